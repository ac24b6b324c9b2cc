"""Market data on disk: reading candle, trade and funding files in order, refusing what is wrong. Knows no exchange."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from tradectl.history.open_history import OpenedHistory


def load(*paths: str | Path) -> OpenedHistory:
    """The market data in a store's folder, a folder of files, or files: ``history.load("BTCUSDT_1h.csv.gz")``.

    Raises ``Problem`` when there is nothing, or something is not in order.
    """
    from pathlib import Path

    from tradectl.history.open_history import open_files, open_history

    places = [Path(it).expanduser() for it in paths]
    return open_history(places[0]) if len(places) == 1 else open_files(places)
