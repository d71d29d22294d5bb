watchlist 2025-13-01
