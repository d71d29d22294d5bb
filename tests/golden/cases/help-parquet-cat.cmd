help parquet cat
