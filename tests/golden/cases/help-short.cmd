candles -h
