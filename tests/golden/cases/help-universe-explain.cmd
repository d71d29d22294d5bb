help universe explain
