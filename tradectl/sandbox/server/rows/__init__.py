"""The venue's records as Bybit writes them: complete rows, every key of the documented samples, ``""`` for absent."""
