watchlist --filter 'info_rich and rvol30 > 2' --columns ticker,rvol30,pctchg_d
