parquet schema AAA.parquet
