"""Candles replayed from a file: checked as a whole before the first one is played, then read as a stream."""

import hashlib
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path

import msgspec
from msgspec import Struct

from tradectl.history.candles import read_candles
from tradectl.history.records import Candle
from tradectl.model.instruments import InstrumentId
from tradectl.model.money import ZERO
from tradectl.sandbox.market.records import Bar, Kline


class FileFacts(Struct, frozen=True):
    """What one pass over a file tells: its rows, its finest digits, where it starts and the hash of its bytes.

    ``live_time`` is the time of the row after the ones set aside as the past, 0 when there is none.
    """

    rows: int
    first_time: int
    live_time: int
    first_price: Decimal
    price_decimals: int
    size_decimals: int
    digest: str


def decimals(value: Decimal) -> int:
    """Digits after the point that matter: ``1.50`` has one."""
    exponent = value.normalize().as_tuple().exponent
    return max(0, -int(exponent))


def digest_of(path: Path) -> str:
    """SHA-256 of the file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def candle_facts(path: Path, interval: int, past: int) -> FileFacts:
    """Read and check the whole file, ``past`` rows of which are not played. Raises ``Problem`` at its first bad row."""
    rows = prices = sizes = live_time = 0
    first: Candle | None = None
    for candle in read_candles(path, interval):
        first = first or candle
        if rows == past:
            live_time = candle.open_time
        rows += 1
        prices = max(prices, *map(decimals, (candle.open, candle.high, candle.low, candle.close)))
        sizes = max(sizes, decimals(candle.volume))
    assert first is not None  # a file without rows is a Problem of the reader
    return FileFacts(rows, first.open_time, live_time, first.open, prices, sizes, digest_of(path))


class FileBars:
    """The candles of a file as one instrument's, ``shift`` nanoseconds later than they were."""

    def __init__(self, path: Path, instrument: InstrumentId, interval: int, shift: int) -> None:
        self._path = path
        self._instrument = instrument
        self._interval = interval
        self._shift = shift
        self._row = 0
        self._rows: Iterator[Candle] = read_candles(path, interval)

    def next_bars(self) -> tuple[Bar, ...] | None:
        candle = next(self._rows, None)
        if candle is None:
            return None
        self._row += 1
        kline = Kline(
            candle.open_time + self._shift, candle.open, candle.high, candle.low, candle.close, candle.volume, ZERO
        )
        return (Bar(self._instrument, kline),)

    def save(self) -> bytes:
        return msgspec.msgpack.encode(self._row)

    def restore(self, position: bytes) -> None:
        self._row = msgspec.msgpack.decode(position, type=int)
        self._rows = islice(read_candles(self._path, self._interval), self._row, None)
