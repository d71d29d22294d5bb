parquet meta minutes.parquet --format json
