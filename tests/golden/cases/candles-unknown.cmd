candles AAAA
