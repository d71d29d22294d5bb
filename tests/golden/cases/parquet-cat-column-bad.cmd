parquet cat minutes.parquet --columns nonsense
