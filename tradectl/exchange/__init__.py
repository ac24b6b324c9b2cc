"""Venues: the protocol every connector keeps, and Bybit's."""
