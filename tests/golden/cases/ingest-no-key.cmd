ingest -t stocks_minute -s 2025-12-01 -e 2025-12-05 --tickers AAA
