"""A history that is what it was up to a moment and something else from there on: every price mirrored at that moment's.

Mirroring ``p`` at ``m`` gives ``m^2 / p``: what rose falls as much. Whoever knew the future now knows the wrong one.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from tradectl.backtest.honesty.other_streams import other_stream
from tradectl.history.reading import History, Span, fingerprint
from tradectl.history.series import Candles, Columns, Kind, Levels, Points, SeriesId, Tape, Touches, Values
from tradectl.model.instruments import Instrument, InstrumentId
from tradectl.model.market_data import INTERVALS

_STREAMS = (Kind.TRADES, Kind.QUOTES, Kind.BOOK)
#: So far back the price at the moment is looked for.
_BACK = INTERVALS["1h"]


class OtherFuture:
    """What is known after ``moment`` is mirrored: candles that close later, prints, quotes and books; the instruments
    and everything before stay."""

    def __init__(self, history: History, moment: int) -> None:
        self._history = history
        self._moment = moment

    def series(self) -> Sequence[SeriesId]:
        return self._history.series()

    def span(self, series: SeriesId) -> Span | None:
        return self._history.span(series)

    def instruments(self, at: int) -> Mapping[InstrumentId, Instrument]:
        return self._history.instruments(at)

    def fingerprint(self, series: Iterable[SeriesId], since: int, until: int) -> str:
        return fingerprint(self, series, since, until)

    def read(self, series: SeriesId, since: int, until: int) -> Iterator[Columns]:
        """The rows, those of the future changed."""
        pivot = self._pivot(series)
        length = INTERVALS.get(series.interval, 0)
        fresh = True
        for part in self._history.read(series, since, until):
            if isinstance(part, Tape | Touches | Levels):
                late = part.ts > self._moment
                yield other_stream(part, late, pivot, self._tick(series), fresh)
                fresh = fresh and not late.any()
            elif isinstance(part, Candles):
                yield self._candles(series, part, pivot, length)
            elif isinstance(part, Points):
                late = part.ts > self._moment
                yield Points(part.ts, np.where(late, -part.value, part.value))
            else:
                yield part

    def _tick(self, series: SeriesId) -> float:
        return float(self._history.instruments(self._moment)[series.instrument].tick_size)

    def _stream_pivot(self, series: SeriesId) -> float:
        """About the price at the moment, the same for all streams of an instrument: candles are made of some."""
        found = [it for it in self._history.series() if it.instrument == series.instrument and it.kind in _STREAMS]
        first = min(found, key=lambda it: _STREAMS.index(it.kind))
        span = self._history.span(first)
        if span is None:
            return 1.0
        before = [part for part in self._history.read(first, self._moment - _BACK, self._moment + 1) if len(part)]
        last = before[-1].rows(-1) if before else next(self._history.read(first, span.first, span.first + 1))
        return float(last.arrays()[1][0])

    def _pivot(self, series: SeriesId) -> float:
        """The last price known at the moment; where there is none, the first of all."""
        if series.kind in _STREAMS:
            return self._stream_pivot(series)
        if series.kind not in (Kind.CANDLES, Kind.MARK, Kind.INDEX):
            return 1.0
        length = INTERVALS[series.interval]
        span = self._history.span(series)
        before = [float(p.close[-1]) for p in self._history.read(  # type: ignore[attr-defined]
            series, self._moment - 1000 * length, self._moment - length + 1) if len(p)]  # fmt: skip
        if before or span is None:
            return before[-1] if before else 1.0
        first = next(self._history.read(series, span.first, span.first + 1))
        return float(first.open[0])  # type: ignore[attr-defined]

    def _candles(self, series: SeriesId, part: Candles, pivot: float, length: int) -> Candles:
        late = part.open_time + length > self._moment
        if not late.any():
            return part
        tick = self._tick(series)
        digits = max(0, -int(np.floor(np.log10(tick))) + 2)

        def mirrored(values: Values) -> Values:
            ticks = np.round(pivot * pivot / values / tick)
            return np.round(np.maximum(ticks, 1.0) * tick, digits)

        return Candles(
            part.open_time, np.where(late, mirrored(part.open), part.open),
            np.where(late, mirrored(part.low), part.high), np.where(late, mirrored(part.high), part.low),
            np.where(late, mirrored(part.close), part.close), np.where(late, part.volume * 1.5, part.volume),
            part.turnover,
        )  # fmt: skip
