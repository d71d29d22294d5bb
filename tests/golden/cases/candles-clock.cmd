candles AAA --tf 4h --hours all --anchor clock --calendar off -s 2025-12-05 -e 2025-12-05 --format csv
