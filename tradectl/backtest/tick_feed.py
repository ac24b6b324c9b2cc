"""Prints, quotes, books, marks and candles of several instruments as one stream of moments, a window at a time.

A candle stands at its close. Prices are put on the instrument's tick: bids down, asks up, prints to the nearest.
"""

from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradectl.backtest.feed import Chart
from tradectl.history.merge import delay_of, windows
from tradectl.history.reading import History
from tradectl.history.series import Candles, Columns, Kind, Levels, SeriesId, Tape, Times, Touches
from tradectl.model.instruments import Instrument
from tradectl.model.orders import Side

#: Less than this part of a tick or lot is the noise of floats.
NOISE = 1e-6


class Row(IntEnum):
    """What a row is; of one moment they come in this order. Prints come before quotes: what they took is gone there."""

    MARK = 0
    TRADE = 1
    QUOTE = 2
    BOOK = 3
    BAR = 4


#: What it is, the place of its instrument, its values.
Told = tuple[Row, int, tuple[Any, ...]]
_KINDS = {
    Kind.MARK: Row.MARK, Kind.TRADES: Row.TRADE, Kind.QUOTES: Row.QUOTE, Kind.BOOK: Row.BOOK, Kind.CANDLES: Row.BAR,
}  # fmt: skip


class TickFeed:
    """``charts`` and ``off_tick`` (rows whose price had to be moved) fill as it goes; ``missing`` stays as it is."""

    def __init__(
        self, history: History, instruments: tuple[Instrument, ...], series: list[SeriesId], since: int, until: int,
        chart_step: int,
    ) -> None:  # fmt: skip
        self._history, self._since, self._until = history, since, until
        self._places = {it.id: place for place, it in enumerate(instruments)}
        self._instruments = instruments
        self._series = sorted(series, key=lambda it: (_KINDS[it.kind], self._places[it.instrument]))
        self.charts = [Chart(chart_step) for _ in instruments]
        self.missing = [0] * len(instruments)
        self.off_tick = [0] * len(instruments)

    def moments(self) -> Iterator[tuple[int, list[Told]]]:
        """Every moment at which anything is known, with all of it."""
        at = -1
        rows: list[Told] = []
        for window in windows(self._history, self._series, self._since, self._until):
            for moment, row in self._ordered(window.parts):
                if moment != at:
                    if rows:
                        yield at, rows
                    at, rows = moment, []
                rows.append(row)
        if rows:
            yield at, rows

    def _ordered(self, parts: tuple[tuple[SeriesId, Columns], ...]) -> Iterator[tuple[int, Told]]:
        """The rows of a window in order of time, at one moment in that of the series."""
        told: list[Told] = []
        times: list[Times] = []
        for series, part in parts:
            place, row = self._places[series.instrument], _KINDS[series.kind]
            moments, values = self._values(place, part, row)
            times.append(moments + delay_of(series))
            told += ((row, place, it) for it in values)
        moments = np.concatenate(times)
        order = np.argsort(moments, kind="stable")
        for moment, number in zip(moments[order].tolist(), order.tolist(), strict=True):
            yield moment, told[number]

    def _values(self, place: int, part: Columns, row: Row) -> tuple[Times, list[tuple[Any, ...]]]:
        if isinstance(part, Candles):
            if row is Row.MARK:
                return part.times, [(it,) for it in part.close.tolist()]
            self.charts[place].take(part)
            return part.times, list(zip(*(it.tolist() for it in part.arrays()), strict=True))
        tick, lot = float(self._instruments[place].tick_size), float(self._instruments[place].lot_size)
        if isinstance(part, Tape):
            return part.times, self._prints(place, part, tick)
        if isinstance(part, Touches):
            columns = [
                self._ticks(place, part.bid, tick, np.floor), _lots(part.bid_size, lot),
                self._ticks(place, part.ask, tick, np.ceil), _lots(part.ask_size, lot),
            ]  # fmt: skip
            return part.times, list(zip(*(it.tolist() for it in columns), strict=True))
        assert isinstance(part, Levels)
        return self._messages(place, part, tick, lot)

    def _prints(self, place: int, part: Tape, tick: float) -> list[tuple[Any, ...]]:
        digits = max(0, -int(self._instruments[place].tick_size.as_tuple().exponent))
        prices = np.round(self._ticks(place, part.price, tick, np.rint) * tick, digits)
        sides = [Side.BUY if it > 0 else Side.SELL for it in part.side.tolist()]
        return list(zip(sides, prices.tolist(), part.size.tolist(), strict=True))

    def _ticks(
        self, place: int, prices: NDArray[np.float64], tick: float, rounded: Callable[[Any], Any]
    ) -> NDArray[np.int64]:  # fmt: skip
        exact = prices / tick
        nearest = np.rint(exact)
        off = np.abs(exact - nearest) > NOISE * np.maximum(1.0, nearest * NOISE)
        self.off_tick[place] += int(off.sum())
        return np.where(off, rounded(exact), nearest).astype(np.int64)

    def _messages(self, place: int, part: Levels, tick: float, lot: float) -> tuple[Times, list[tuple[Any, ...]]]:
        """Levels gathered by moment: whether a snapshot begins, bids and asks by key in lots."""
        fresh = np.concatenate(([True], (part.ts[1:] != part.ts[:-1]) | (part.start[1:] == 2)))
        starts = np.flatnonzero(fresh)
        bids = self._ticks(place, np.where(part.side > 0, part.price, tick), tick, np.floor)
        asks = self._ticks(place, np.where(part.side > 0, tick, part.price), tick, np.ceil)
        keys, lots = np.where(part.side > 0, -bids, asks).tolist(), _lots(part.size, lot).tolist()
        rows: list[tuple[Any, ...]] = []
        for start, stop in zip(starts.tolist(), [*starts[1:].tolist(), len(part)], strict=True):
            levels = dict(zip(keys[start:stop], lots[start:stop], strict=True))
            begins = bool(part.start[start])
            if begins:
                levels = {key: size for key, size in levels.items() if size}
            rows.append((
                begins,
                {key: size for key, size in levels.items() if key < 0},
                {key: size for key, size in levels.items() if key > 0},
            ))  # fmt: skip
        return part.ts[starts], rows


def _lots(sizes: NDArray[np.float64], lot: float) -> NDArray[np.int64]:
    return np.floor(sizes / lot + NOISE).astype(np.int64)
