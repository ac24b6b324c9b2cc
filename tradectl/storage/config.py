"""What can be set about the store."""

import os
from pathlib import Path

from msgspec import Struct

#: Where a URL with a password comes from: never from the command line, which every user of the machine can read.
DATABASE_VARIABLE = "TRADECTL_STORE_DATABASE"


class StoreConfig(Struct, frozen=True, kw_only=True):
    """``database`` is a SQLAlchemy URL, empty for SQLite in the state directory.

    Rows are committed when ``batch_rows`` are waiting or the oldest has waited ``batch_seconds``. The journal is looked
    at every ``poll_seconds``; after a failure of the database it is tried again after ``retry_first`` seconds, then
    twice as long each time up to ``retry_most``.
    """

    database: str = ""
    batch_rows: int = 500
    batch_seconds: float = 0.1
    poll_seconds: float = 0.025
    retry_first: float = 0.1
    retry_most: float = 5.0


def database_url(state: Path, given: str = "") -> str:
    """The URL: as given, else from the environment, else SQLite in the state directory."""
    return given or os.environ.get(DATABASE_VARIABLE, "") or f"sqlite:///{state / 'store.db'}"
