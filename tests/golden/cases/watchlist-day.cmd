watchlist 2025-12-02 --format csv
