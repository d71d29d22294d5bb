candles AAA --tf 7m
