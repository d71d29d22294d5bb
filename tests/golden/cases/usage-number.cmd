watchlist --top many
