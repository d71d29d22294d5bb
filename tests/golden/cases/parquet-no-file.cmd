parquet cat none.parquet
