"""Answers to a strategy's request for history: candles closed before now, of any interval the data can give."""

from collections.abc import Iterable

from tradectl.backtest.feed import Row
from tradectl.backtest.longer_bars import LongerBars, bucket_of
from tradectl.history.reading import History
from tradectl.history.series import Candles, Kind, SeriesId
from tradectl.model.commands import RequestBars
from tradectl.model.events import BarsLoaded
from tradectl.model.instruments import InstrumentId
from tradectl.model.market_data import INTERVALS, Bar


class WarmUp:
    """Reads the past of a simulated present; never a candle that closes after it."""

    def __init__(self, history: History, interval: str, earliest: int = 0) -> None:
        """``earliest``: nothing that opens before it is read."""
        self._history = history
        self._interval = interval
        self._length = INTERVALS[interval]
        self._earliest = earliest

    def answer(self, request: RequestBars, now: int) -> BarsLoaded:
        """The last ``count`` candles, or all since ``since``."""
        length = INTERVALS[request.interval]
        since = request.since or now - (request.count + 1) * length
        since = max(since, self._earliest, 0)
        bars = self._bars(request, since, now, length)
        if request.count and not request.since:
            bars = bars[-request.count :]
        return BarsLoaded(now, request.instrument, request.interval, tuple(bars))

    def begun(self, instrument: InstrumentId, interval: str, now: int) -> list[Bar]:
        """The short candles so far of the longer one that is in progress."""
        short = SeriesId(instrument, Kind.CANDLES, self._interval)
        since = max(bucket_of(now, INTERVALS[interval]), self._earliest)
        return [_bar(row) for row in self._rows(short, since, now - self._length + 1)]

    def _bars(self, request: RequestBars, since: int, now: int, length: int) -> list[Bar]:
        own = SeriesId(request.instrument, Kind.CANDLES, request.interval)
        if request.interval == self._interval or self._history.span(own) is not None:
            return [_bar(row) for row in self._rows(own, since, now - length + 1)]
        short = SeriesId(request.instrument, Kind.CANDLES, self._interval)
        first = since + -since % length
        made: list[Bar] = []
        longer = LongerBars(request.interval, self._length)
        for row in self._rows(short, first, now - self._length + 1):
            made += longer.add(_bar(row))
        return made

    def _rows(self, series: SeriesId, since: int, until: int) -> Iterable[Row]:
        for part in self._history.read(series, since, until):
            assert isinstance(part, Candles)
            yield from part.tuples()


def _bar(row: Row) -> Bar:
    return Bar(*row)
