parquet schema minutes.parquet --format csv
