validate --tickers ZZZ --quiet
