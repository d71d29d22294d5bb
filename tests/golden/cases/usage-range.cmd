candles AAA -s 2025-12-05 -e 2025-12-01
