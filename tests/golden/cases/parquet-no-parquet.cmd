parquet cat text.parquet
