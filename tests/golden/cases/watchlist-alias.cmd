wl --top 1
