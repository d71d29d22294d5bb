parquet verify AAA.parquet minutes.parquet --format csv
