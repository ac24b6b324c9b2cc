"""What a backtest says to people: the figures, the document that keeps everything, the page for a client."""
