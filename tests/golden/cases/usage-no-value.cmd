watchlist --sort
