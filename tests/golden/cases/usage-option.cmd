watchlist --nonsense
