help parquet pages
