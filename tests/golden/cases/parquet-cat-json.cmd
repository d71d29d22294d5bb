parquet cat minutes.parquet --limit 2 --format json
