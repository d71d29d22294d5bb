candles AAA -s 2024-01-02 -e 2024-01-03
