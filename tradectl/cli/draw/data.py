"""Stored market data as a person reads it."""

from typing import Any

from tradectl.cli.screen import Screen
from tradectl.cli.text import table


def series_table(screen: Screen, data: dict[str, Any]) -> str:
    """One line a series."""
    rows = [[it["series"], str(it["rows"])] for it in data["series"]]
    return table(["SERIES", "ROWS"], rows, screen.paint, frozenset({"ROWS"}))
