parquet cat minutes.parquet --where 'volume >= 901000' --columns timestamp,volume --format csv
