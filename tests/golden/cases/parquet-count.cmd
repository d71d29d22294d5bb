parquet count AAA.parquet minutes.parquet
