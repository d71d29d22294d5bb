parquet count AAA.parquet minutes.parquet --format json
