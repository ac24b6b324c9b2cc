"""Trades replayed from a file, print by print at their own times, and the candles they make.

Minutes without a trade close as flat candles without volume, as a venue's do.
"""

from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path

import msgspec
from msgspec import Struct

from tradectl.history.records import PublicTrade
from tradectl.history.trades import read_trades
from tradectl.matching.bar_path import Print
from tradectl.model.instruments import InstrumentId
from tradectl.sandbox.market.forming import Forming
from tradectl.sandbox.market.records import Bar, Moment, Tick
from tradectl.sandbox.market.replay import FileFacts, decimals, digest_of


def trade_facts(path: Path) -> FileFacts:
    """Read and check the whole file. Raises ``Problem`` at its first bad row."""
    rows = prices = sizes = 0
    first: PublicTrade | None = None
    for trade in read_trades(path):
        first = first or trade
        rows += 1
        prices = max(prices, decimals(trade.price))
        sizes = max(sizes, decimals(trade.size))
    assert first is not None  # a file without rows is a Problem of the reader
    return FileFacts(rows, first.ts, first.ts, first.price, prices, sizes, digest_of(path))


class _Place(Struct, array_like=True):
    row: int  # trades taken
    bar_row: int  # trades taken before the current candle
    bar_open: int
    last: Decimal


class TradeTape:
    """Plays a trade file as one instrument, ``shift`` nanoseconds later than it was."""

    def __init__(self, path: Path, instrument: InstrumentId, interval: int, shift: int, facts: FileFacts) -> None:
        self._path = path
        self._instrument = instrument
        self._interval = interval
        self._shift = shift
        first = facts.first_time + shift
        self._place = _Place(0, 0, first - first % interval, facts.first_price)
        self._trades: Iterator[PublicTrade] = read_trades(path)
        self._next = next(self._trades, None)
        self._forming = Forming(self._place.bar_open, self._place.last)
        self._ended = False

    def due(self) -> int | None:
        if self._ended:
            return None
        close = self._place.bar_open + self._interval
        return close if self._next is None else min(close, self._next.ts + self._shift)

    def take(self) -> Moment:
        at = self.due()
        assert at is not None
        if at == self._place.bar_open + self._interval:
            return self._close(at)
        return self._print(at)

    def save(self) -> bytes:
        return msgspec.msgpack.encode((self._place, self._ended))

    def resume(self, place: bytes) -> list[Moment]:
        saved, ended = msgspec.msgpack.decode(place, type=tuple[_Place, bool])
        self._place = _Place(saved.bar_row, saved.bar_row, saved.bar_open, saved.last)
        self._forming = Forming(saved.bar_open, saved.last)
        self._trades = islice(read_trades(self._path), saved.bar_row, None)
        self._next = next(self._trades, None)
        played = []
        while self._place.row < saved.row:
            played.append(self.take())
        self._ended = ended
        return played

    def _print(self, at: int) -> Moment:
        prints = []
        while self._next is not None and self._next.ts + self._shift == at:
            trade = self._next
            prints.append(Print(trade.price, trade.size, trade.side))
            self._next = next(self._trades, None)
        self._place.row += len(prints)
        self._forming.add(prints)
        return Moment(at, (Tick(self._instrument, tuple(prints)),))

    def _close(self, at: int) -> Moment:
        kline = self._forming.kline()
        self._ended = self._next is None
        self._place.bar_row = self._place.row
        self._place.bar_open = at
        self._place.last = kline.close
        self._forming = Forming(at, kline.close)
        return Moment(at, (), (Bar(self._instrument, kline),))
