"""Market data on disk: reading candle, trade and funding files in order, refusing what is wrong. Knows no exchange."""
