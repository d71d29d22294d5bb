watchlist --help
