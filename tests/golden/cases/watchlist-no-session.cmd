watchlist 2025-12-06
