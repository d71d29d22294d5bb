watchlist --format xml
