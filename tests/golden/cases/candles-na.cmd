candles NA --tf 1d --format csv
