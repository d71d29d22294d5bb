import QQQ_rows.csv --as stocks_minute --lake other --quiet
