watchlist --fliter 'x > 1'
