watchlist --columns ticker,nonsense
