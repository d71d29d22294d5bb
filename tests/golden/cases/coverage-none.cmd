coverage -t stocks_daily
