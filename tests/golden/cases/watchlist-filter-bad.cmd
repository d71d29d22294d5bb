watchlist --filter 'rvol30 >'
