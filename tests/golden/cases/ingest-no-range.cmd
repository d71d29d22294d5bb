ingest -t stocks_minute --tickers AAA
