help universe try
