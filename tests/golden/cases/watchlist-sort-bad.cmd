watchlist --sort nonsense
