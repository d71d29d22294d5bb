help parquet verify
