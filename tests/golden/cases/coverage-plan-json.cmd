coverage --plan --tickers CCC,DDD -e 2025-12-05 -s 2025-12-01 --format json
