candles AAA --tf 1d --format json
