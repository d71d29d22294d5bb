watchlist --sort ticker:asc --columns ticker,close_d --format csv
