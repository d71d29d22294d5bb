help universe topn
