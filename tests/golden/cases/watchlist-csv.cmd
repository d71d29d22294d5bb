watchlist --format csv
