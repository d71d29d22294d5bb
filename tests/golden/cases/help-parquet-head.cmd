help parquet head
