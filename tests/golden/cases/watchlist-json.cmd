watchlist --format json
