outcome --rows all --tickers AAA --filter 'close_d > 4' --format csv
