help watchlist
