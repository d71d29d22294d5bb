import QQQ_rows.csv --as stocks_minute --ticker T --lake other
