import lake --as stocks_minute --lake other
