parquet --help
