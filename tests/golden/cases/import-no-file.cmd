import none.csv --as stocks_minute --lake other
