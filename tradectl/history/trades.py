"""Reading a file of public trades: time (milliseconds UTC), price, size and the taker's side."""

from collections.abc import Iterator
from pathlib import Path

from tradectl.history.records import PublicTrade
from tradectl.history.table import Table
from tradectl.model.orders import Side

COLUMNS = {
    "timestamp": ("timestamp", "time", "ts"),
    "price": ("price",),
    "size": ("size", "qty", "quantity", "amount", "volume"),
    "side": ("side",),
    "id": ("id", "trade_id", "exec_id", ""),
}
SIDES = {"buy": Side.BUY, "sell": Side.SELL}


def read_trades(path: Path) -> Iterator[PublicTrade]:
    """The trades of ``path``, oldest first; several may share a time.

    Raises :class:`Problem` at the first row that is empty, not a finite number, not positive, of an unknown side, or
    earlier than the row before it.
    """
    table = Table(path, COLUMNS)
    last = -1
    for line, (time, price, size, side, trade_id) in table.rows():
        ts = table.time(line, "timestamp", time)
        if ts < last:
            raise table.fault(line, "timestamp", f"{time} is earlier than the row before: rows go from old to new")
        taker = SIDES.get(side.lower())
        if taker is None:
            raise table.fault(line, "side", f"{side!r} is neither buy nor sell")
        last = ts
        yield PublicTrade(ts, table.positive(line, "price", price), table.positive(line, "size", size), taker, trade_id)


def is_trade_file(path: Path) -> bool:
    """Whether the header of ``path`` is that of trades rather than of candles. Raises as the readers do."""
    table = Table(path, {"side": ("side", ""), "open": ("open", "")})
    header = table.header()
    return "side" in header and "price" in header and "open" not in header
