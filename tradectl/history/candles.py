"""Reading a file of candles: ``timestamp`` (milliseconds UTC of the open), open, high, low, close, volume."""

from collections.abc import Iterator
from pathlib import Path

from tradectl.history.records import Candle
from tradectl.history.table import Table
from tradectl.model.market_data import grid_offset

COLUMNS = {
    "timestamp": ("timestamp", "open_time", "start", "starttime", "time"),
    "open": ("open",),
    "high": ("high",),
    "low": ("low",),
    "close": ("close",),
    "volume": ("volume",),
}


def read_candles(path: Path, interval: int) -> Iterator[Candle]:
    """The candles of ``path``, oldest first; ``interval`` is their length in nanoseconds. Gaps are allowed.

    Raises :class:`Problem` at the first row that is empty, not a finite number, negative, off the interval's grid,
    out of order, repeated, or whose high or low does not contain its open and close.
    """
    table = Table(path, COLUMNS)
    offset = grid_offset(interval)
    last = -1
    for line, (time, open_, high, low, close, volume) in table.rows():
        candle = Candle(
            table.time(line, "timestamp", time),
            table.positive(line, "open", open_),
            table.positive(line, "high", high),
            table.positive(line, "low", low),
            table.positive(line, "close", close),
            table.number(line, "volume", volume),
        )
        _check_amounts(table, line, candle)
        _check_time(table, line, candle.open_time, last, interval, offset)
        last = candle.open_time
        yield candle


def _check_amounts(table: Table, line: int, candle: Candle) -> None:
    if candle.volume < 0:
        raise table.fault(line, "volume", f"{candle.volume} must not be negative")
    if candle.high < candle.low:
        raise table.fault(line, "high", f"{candle.high} is below the low {candle.low}")
    if candle.high < candle.open or candle.high < candle.close:
        raise table.fault(line, "high", f"{candle.high} is below the open {candle.open} or the close {candle.close}")
    if candle.low > candle.open or candle.low > candle.close:
        raise table.fault(line, "low", f"{candle.low} is above the open {candle.open} or the close {candle.close}")


def _check_time(table: Table, line: int, time: int, last: int, interval: int, offset: int) -> None:
    ms = time // 1_000_000
    if time == last:
        raise table.fault(line, "timestamp", f"{ms} repeats the row before")
    if time < last:
        raise table.fault(line, "timestamp", f"{ms} is earlier than the row before: rows go from old to new")
    if (time - offset) % interval:
        raise table.fault(line, "timestamp", f"{ms} is not the open of a candle of {interval // 1_000_000} ms")
