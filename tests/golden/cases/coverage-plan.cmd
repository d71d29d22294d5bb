coverage --plan --tickers AAA,CCC -e 2025-12-05 -s 2025-12-01
