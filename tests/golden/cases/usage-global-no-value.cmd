watchlist --lake
