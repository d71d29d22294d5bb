validate --tickers AAA,BBB --quiet --format csv
