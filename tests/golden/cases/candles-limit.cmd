candles AAA --tf 1m --limit 2 --format csv
