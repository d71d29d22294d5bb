watchlist --filter 'rvol30 > 100' --format json
