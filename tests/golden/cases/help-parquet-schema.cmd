help parquet schema
