"""Candles a recorded run knew, loaded or live: what a strategy of the backtest is told of the past."""

from tradectl.backtest.recorded import Recorded
from tradectl.backtest.recorded_history import history_of
from tradectl.history.series import Candles, Kind, SeriesId
from tradectl.model.commands import RequestBars
from tradectl.model.events import BarsLoaded
from tradectl.model.market_data import INTERVALS, Bar


class Past:
    """Answers requests for history; never with a candle that closes later than now."""

    def __init__(self, recorded: Recorded) -> None:
        self._history = history_of(recorded, (Kind.CANDLES,))

    def answer(self, request: RequestBars, now: int) -> BarsLoaded:
        """The last ``count`` candles closed, or all since ``since``."""
        series = SeriesId(request.instrument, Kind.CANDLES, request.interval)
        last = now - INTERVALS[request.interval]
        bars: list[Bar] = []
        for part in self._history.read(series, request.since, last + 1):
            assert isinstance(part, Candles)
            bars += (Bar(*row) for row in part.tuples())
        if request.count and not request.since:
            bars = bars[-request.count :]
        return BarsLoaded(now, request.instrument, request.interval, tuple(bars))
