help candles
