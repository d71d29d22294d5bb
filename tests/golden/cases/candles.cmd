candles AAA --tf 1h -s 2025-12-05 -e 2025-12-05
