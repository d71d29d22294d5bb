help parquet count
