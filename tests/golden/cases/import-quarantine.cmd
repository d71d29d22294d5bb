import QQQ_rows.csv --as stocks_minute --ticker T --lake other 2>&1 >/dev/null | grep ^tapedeck:
