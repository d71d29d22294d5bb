watchlist --lake nowhere
