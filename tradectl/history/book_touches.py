"""Best bid and ask of a recorded book, message by message."""

from collections.abc import Iterable, Iterator

import numpy as np

from tradectl.history.series import Columns, Levels, Touches


def touches_of(parts: Iterable[Columns]) -> Iterator[Touches]:
    """The touch after each moment at which it changed, part by part; nothing while a side is empty or crossed.

    Raises ``TypeError`` for parts that are no levels.
    """
    book = _Book()
    for part in parts:
        if not isinstance(part, Levels):
            raise TypeError(f"a book is made of Levels, not {type(part).__name__}")
        rows = book.follow(part)
        if rows:
            ts, *values = zip(*rows, strict=True)
            yield Touches(np.array(ts, np.int64), *(np.array(column, float) for column in values))


class _Book:
    def __init__(self) -> None:
        self._bids: dict[float, float] = {}
        self._asks: dict[float, float] = {}
        self._told: tuple[float, ...] = ()

    def follow(self, part: Levels) -> list[tuple[float, ...]]:
        rows: list[tuple[float, ...]] = []
        before = 0
        for ts, price, size, side, start in zip(*(it.tolist() for it in part.arrays()), strict=True):
            if ts != before and before:
                self._note(before, rows)
            before = ts
            if start == 2:
                self._bids.clear()
                self._asks.clear()
            levels = self._bids if side > 0 else self._asks
            if size:
                levels[price] = size
            else:
                levels.pop(price, None)
        if before:
            self._note(before, rows)
        return rows

    def _note(self, ts: int, rows: list[tuple[float, ...]]) -> None:
        if not (self._bids and self._asks):
            return
        bid, ask = max(self._bids), min(self._asks)
        touch = bid, self._bids[bid], ask, self._asks[ask]
        if bid <= ask and touch != self._told:
            self._told = touch
            rows.append((ts, *touch))
