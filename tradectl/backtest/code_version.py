"""Which code a result was made by."""

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

#: Rooms whose code decides what a backtest trades.
ROOMS = ("model", "engine", "matching", "simulation", "performance", "backtest")


@lru_cache(maxsize=1)
def code_version() -> str:
    """A hash over the source of everything a backtest's outcome depends on, strategies apart."""
    return hash_of_rooms(ROOMS)


def hash_of_rooms(rooms: Iterable[str]) -> str:
    """A hash over every source file of these rooms, and its place."""
    package = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for room in rooms:
        for path in sorted((package / room).rglob("*.py")):
            digest.update(path.relative_to(package).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
