parquet cat AAA.parquet --format csv
