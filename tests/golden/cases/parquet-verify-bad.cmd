parquet verify text.parquet
