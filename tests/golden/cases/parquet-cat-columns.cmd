parquet cat minutes.parquet --columns timestamp,close --limit 2
