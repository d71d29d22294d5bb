help parquet meta
