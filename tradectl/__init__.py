"""tradectl: an always-on trading daemon for Bybit, run and watched from the terminal."""

__version__ = "0.1.0"
