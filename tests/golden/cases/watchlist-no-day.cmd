watchlist 2025-11-03
