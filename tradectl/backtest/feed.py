"""Candles of several instruments in groups of one open time, read in parts, with what a chart needs of them."""

from collections.abc import Iterator
from typing import cast

import numpy as np

from tradectl.backtest.job import PriceBar
from tradectl.history.reading import History
from tradectl.history.series import Candles, Kind, SeriesId
from tradectl.model.instruments import InstrumentId

#: open_time, open, high, low, close, volume, turnover.
Row = tuple[int, float, float, float, float, float, float]
Group = tuple[int, list[tuple[int, Row]]]

#: Between two looks at the clock and at who may want to stop: this many moments.
LOOK_EVERY = 4096
#: So many rows of a series are objects at a time: with many symbols it adds up.
ROWS = 2_000


class Chart:
    """Bars of one instrument on a grid coarse enough to draw."""

    def __init__(self, step: int) -> None:
        self._step = step
        self.bars: list[PriceBar] = []

    def take(self, part: Candles) -> None:
        """Fold a part, in time order, into the bars so far."""
        if not len(part):
            return
        slots = part.open_time // self._step
        starts = np.flatnonzero(np.diff(slots, prepend=slots[0] - 1))
        highs, lows = np.maximum.reduceat(part.high, starts), np.minimum.reduceat(part.low, starts)
        ends = np.append(starts[1:], len(part)) - 1
        made = zip(
            (slots[starts] * self._step).tolist(), part.open[starts].tolist(), highs.tolist(), lows.tolist(),
            part.close[ends].tolist(), strict=True,
        )  # fmt: skip
        for bar in made:
            self._add(PriceBar(*bar))

    def _add(self, bar: PriceBar) -> None:
        if self.bars and self.bars[-1].at == bar.at:  # a slot that two parts share
            old = self.bars[-1]
            self.bars[-1] = PriceBar(
                old.at, old.open, max(old.high, bar.high), min(old.low, bar.low), bar.close
            )  # fmt: skip
        else:
            self.bars.append(bar)


class CandleFeed:
    """The candles that drive a run, in time order; ``charts`` and ``missing`` fill as it goes."""

    def __init__(
        self, history: History, instruments: tuple[InstrumentId, ...], interval: str, length: int, since: int,
        until: int, chart_step: int,
    ) -> None:  # fmt: skip
        self._history = history
        self._series = [SeriesId(it, Kind.CANDLES, interval) for it in instruments]
        self._length = length
        self._since, self._until = since, until
        self.charts = [Chart(chart_step) for _ in instruments]
        self.missing = [0] * len(instruments)

    def rows(self, place: int) -> Iterator[Row]:
        """The candles of one instrument."""
        for part in self.parts(place, ROWS):
            yield from part.tuples()

    def parts(self, place: int, size: int = 0) -> Iterator[Candles]:
        """The candles of one instrument in parts of at most ``size``, 0 as they come; gaps inside are counted."""
        for part in self._noted(place):
            for start in range(0, len(part), size or len(part)):
                yield cast(Candles, part.rows(start, start + size)) if size else part

    def _noted(self, place: int) -> Iterator[Candles]:
        chart, before = self.charts[place], 0
        for part in self._history.read(self._series[place], self._since, self._until):
            assert isinstance(part, Candles)
            chart.take(part)
            times = part.open_time
            if before:
                self.missing[place] += (int(times[0]) - before) // self._length - 1
            self.missing[place] += int(((times[-1] - times[0]) // self._length) - (len(times) - 1))
            before = int(times[-1])
            yield part

    def groups(self) -> Iterator[Group]:
        """All candles that open at one time, by the place of their instrument."""
        if len(self._series) == 1:
            for row in self.rows(0):
                yield row[0], [(0, row)]
            return
        streams = [self.rows(place) for place in range(len(self._series))]
        heads = [next(stream, None) for stream in streams]
        while True:
            times = [head[0] for head in heads if head is not None]
            if not times:
                return
            at = min(times)
            group = [(place, head) for place, head in enumerate(heads) if head is not None and head[0] == at]
            for place, _ in group:
                heads[place] = next(streams[place], None)
            yield at, group
