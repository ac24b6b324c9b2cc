"""What a stretch of stored market data is: its identity, and its rows as columns. Times are nanoseconds UTC."""

from collections.abc import Iterator
from enum import Enum
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tradectl.model.instruments import InstrumentId

Times = NDArray[np.int64]
Values = NDArray[np.float64]


class Kind(str, Enum):
    """What a series holds. Mark and index candles have volume and turnover 0."""

    CANDLES = "candles"
    MARK = "mark"
    INDEX = "index"
    FUNDING = "funding"
    OPEN_INTEREST = "open_interest"
    TRADES = "trades"
    QUOTES = "quotes"
    BOOK = "book"


class SeriesId(Struct, frozen=True, order=True, cache_hash=True):
    """One series; ``interval`` is a key of ``INTERVALS`` for candles, mark, index and open interest, of books their
    depth such as ``50``, else empty."""

    instrument: InstrumentId
    kind: Kind
    interval: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (str(self.instrument), self.kind.value, self.interval) if part)


class Columns:
    """Rows as arrays of one length, oldest first; ``names`` in the order of the constructor, the time first."""

    names: tuple[str, ...] = ()
    __slots__ = ()

    def __len__(self) -> int:
        return len(self.times)

    @property
    def times(self) -> Times:
        """The first column: what rows are ordered by."""
        return getattr(self, self.names[0])  # type: ignore[no-any-return]

    def arrays(self) -> tuple[NDArray[Any], ...]:
        """All columns, in order."""
        return tuple(getattr(self, name) for name in self.names)

    def tuples(self) -> Iterator[tuple[Any, ...]]:
        """Each row's values as plain numbers, in the order of the columns."""
        return zip(*(column.tolist() for column in self.arrays()), strict=True)

    def rows(self, start: int, stop: int | None = None) -> "Columns":
        """A part by position, without copying."""
        return type(self)(*(column[start:stop] for column in self.arrays()))

    def between(self, since: int, until: int) -> "Columns":
        """The rows with ``since <= time < until``."""
        first, last = np.searchsorted(self.times, (since, until))
        return self.rows(int(first), int(last))


class Candles(Columns):
    """Closed candles by ``open_time``; prices in quote coin, ``volume`` in base, ``turnover`` in quote (0 unknown)."""

    names = ("open_time", "open", "high", "low", "close", "volume", "turnover")
    __slots__ = names

    def __init__(
        self, open_time: Times, open: Values, high: Values, low: Values, close: Values, volume: Values,
        turnover: Values | None = None,
    ) -> None:  # fmt: skip
        self.open_time, self.open, self.high, self.low, self.close = open_time, open, high, low, close
        self.volume = volume
        self.turnover = np.zeros(len(open_time)) if turnover is None else turnover


class Points(Columns):
    """One value at a time: funding rates (fractions, at their settlement) or open interest (base units)."""

    names = ("ts", "value")
    __slots__ = names

    def __init__(self, ts: Times, value: Values) -> None:
        self.ts, self.value = ts, value


class Tape(Columns):
    """Public trades; ``side`` is 1 where the taker bought, -1 where he sold. Several may share a time."""

    names = ("ts", "price", "size", "side")
    __slots__ = names

    def __init__(self, ts: Times, price: Values, size: Values, side: NDArray[np.int8]) -> None:
        self.ts, self.price, self.size, self.side = ts, price, size, side


class Touches(Columns):
    """Best bid and ask with their sizes, as they changed."""

    names = ("ts", "bid", "bid_size", "ask", "ask_size")
    __slots__ = names

    def __init__(self, ts: Times, bid: Values, bid_size: Values, ask: Values, ask_size: Values) -> None:
        self.ts, self.bid, self.bid_size, self.ask, self.ask_size = ts, bid, bid_size, ask, ask_size


class Levels(Columns):
    """Levels of a book as they were stated: ``side`` 1 bid, -1 ask; ``size`` 0 takes the level away.

    ``start`` is 2 where a snapshot begins (what was known before is void), 1 on its other levels, 0 in a change.
    Levels of one message share a time and follow each other; at one time changes may come from several messages.
    """

    names = ("ts", "price", "size", "side", "start")
    __slots__ = names

    def __init__(
        self, ts: Times, price: Values, size: Values, side: NDArray[np.int8], start: NDArray[np.int8]
    ) -> None:  # fmt: skip
        self.ts, self.price, self.size, self.side, self.start = ts, price, size, side, start


#: The columns each kind is stored in.
COLUMNS: dict[Kind, type[Columns]] = {
    Kind.CANDLES: Candles,
    Kind.MARK: Candles,
    Kind.INDEX: Candles,
    Kind.FUNDING: Points,
    Kind.OPEN_INTEREST: Points,
    Kind.TRADES: Tape,
    Kind.QUOTES: Touches,
    Kind.BOOK: Levels,
}
