import QQQ_rows.csv --as stocks_minute --ticker-from-name --lake other --quiet --format csv
