candles
