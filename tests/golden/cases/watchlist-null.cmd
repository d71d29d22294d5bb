watchlist 2025-12-01 --columns ticker,pctchg_d,rvol30 --format json
