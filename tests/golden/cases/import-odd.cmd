import odd.csv --as stocks_minute --ticker-from-name --lake other --quiet
