parquet meta AAA.parquet
