watchlist --filter 'rvol3 > 1'
