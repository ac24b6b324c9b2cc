"""Journals through the engine again: replay now; backtest, optimiser and parity come later."""
