parquet head minutes.parquet --limit 3
