watchlist --filter 'rvol30 > 100'
