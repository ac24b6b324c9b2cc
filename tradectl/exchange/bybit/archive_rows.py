"""The rows of Bybit's public trade files, which differ by product.

Derivatives (``trading/``): ``timestamp`` in seconds with a fraction, ``side`` Buy or Sell, ``size``, ``price``, and
the symbol in every row. Spot (``spot/``): ``timestamp`` in milliseconds, ``price``, ``volume``, ``side`` buy or sell.
Other columns come and go and are not read. Old files run from new to old.
"""

from pathlib import Path
from typing import Any

import numpy as np

from tradectl.history.columns import chosen, in_order
from tradectl.history.series import Tape
from tradectl.model.errors import ErrorCode, Problem

_MICRO, _MILLI = 1_000, 1_000_000
#: Years 2000 to 2100 in seconds.
_EARLIEST, _LATEST = 946_684_800, 4_102_444_800
_SIDES = {"buy": 1, "sell": -1}


def read_trades(path: Path, symbol: str) -> Tape:
    """The trades of a file, oldest first. Raises ``Problem`` for anything that is no trade of ``symbol``."""
    table = _table(path)
    spot = "volume" in table.column_names
    times, price = _numbers(path, table, "timestamp"), _numbers(path, table, "price")
    size = _numbers(path, table, "volume" if spot else "size")
    if "symbol" in table.column_names and (set(table["symbol"].unique().to_pylist()) - {symbol}):
        raise fault(path, "symbol", f"is not {symbol} in every row")
    seconds = times / 1000 if spot else times
    _all(path, "timestamp", (seconds > _EARLIEST) & (seconds < _LATEST), "must be a time after 2000 in the file's unit")
    _all(path, "price", (price > 0) & np.isfinite(price), "must be finite and positive")
    _all(path, "volume" if spot else "size", (size > 0) & np.isfinite(size), "must be finite and positive")
    ns = np.rint(times).astype(np.int64) * _MILLI if spot else np.rint(times * 1e6).astype(np.int64) * _MICRO
    tape = Tape(ns, price, size, _sides(path, table))
    if len(ns) > 1 and ns[0] > ns[-1]:
        tape = chosen(tape, np.arange(len(ns))[::-1])  # type: ignore[assignment]
    return in_order(tape)  # type: ignore[return-value]


def _table(path: Path) -> Any:
    import pyarrow as pa
    from pyarrow import csv

    try:
        # Text first: a column whose first rows look whole must not make a fraction further down an error.
        names = csv.open_csv(path, csv.ReadOptions(block_size=1 << 16)).schema.names
        return csv.read_csv(path, convert_options=csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())))
    except (pa.ArrowInvalid, OSError) as error:
        raise fault(path, "file", f"cannot be read as CSV: {error}") from error


def _numbers(path: Path, table: Any, name: str) -> Any:
    import pyarrow as pa

    if name not in table.column_names:
        raise fault(path, name, f"is missing; there are {', '.join(table.column_names)}")
    try:
        found = table[name].cast(pa.float64())
    except pa.ArrowInvalid as error:
        raise fault(path, name, f"must be a number: {error}") from error
    if found.null_count:
        raise fault(path, name, "is empty in some rows")
    return found.to_numpy()


def _sides(path: Path, table: Any) -> Any:
    import pyarrow.compute as pc

    if "side" not in table.column_names:
        raise fault(path, "side", "is missing")
    words = pc.utf8_lower(table["side"])
    unknown = set(words.unique().to_pylist()) - set(_SIDES)
    if unknown:
        raise fault(path, "side", f"is neither buy nor sell: {', '.join(map(str, unknown))}")
    return np.where(pc.equal(words, "buy").to_numpy(), 1, -1).astype(np.int8)


def _all(path: Path, name: str, good: Any, rule: str) -> None:
    if not good.all():
        raise fault(path, name, f"{rule} (row {int(np.argmin(good)) + 1})")


def fault(path: Path, field: str, rule: str) -> Problem:
    """The problem of a file; nothing of it is used."""
    return Problem(
        ErrorCode.INVALID_REQUEST,
        f"{path.name}: {field} {rule}",
        field=field,
        reason=rule,
        remedy="Nothing of the file was used; --source rest has candles of the same time",
    )
