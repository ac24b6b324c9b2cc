"""What runs over arrays need of a history, read once: the candles of one instrument, with a past to warm up on."""

from typing import cast

from tradectl.backtest.arrays.prepared import Inputs
from tradectl.backtest.arrays.rules import needs_events, refuse
from tradectl.backtest.driving import mark_of
from tradectl.backtest.job import BacktestJob
from tradectl.history.columns import joined
from tradectl.history.reading import History
from tradectl.history.series import Candles, Kind, Points, SeriesId
from tradectl.model.market_data import INTERVALS
from tradectl.simulation.models import FixedFunding

#: Candles read before the span; who looks back further is for the event-driven run.
PAST = 100_000


class Loaded:
    """Candles, funding and instrument of ``job``; :meth:`inputs` are those of a part of its span."""

    def __init__(self, job: BacktestJob, history: History) -> None:
        """Raises ``Problem`` when the job needs the event-driven run, or the history has nothing of it."""
        self.instrument = history.instruments(job.since)[job.instruments[0]]
        refuse(needs_events(job, self.instrument))
        series = SeriesId(self.instrument.id, Kind.CANDLES, job.interval)
        span = history.span(series)
        refuse([] if span is not None else [f"there are no candles of {series}"])
        assert span is not None
        marked = mark_of(history, self.instrument.id, job.interval) is not None
        refuse(["the data has mark prices, which are not the candles'"] if marked else [])
        begin = max(span.first, job.since - PAST * INTERVALS[job.interval])
        self._cut_off = begin > span.first
        end = min(span.last + 1, job.until)
        self.candles = cast(Candles, joined(Kind.CANDLES, list(history.read(series, begin, end))))
        self.funding = self._funding(job, history)

    def inputs(self, job: BacktestJob) -> Inputs:
        """For runs of ``job``, whose span lies in the one that was loaded."""
        return Inputs(job, self.candles, self.instrument, self.funding)

    def reaches(self, start: int) -> None:
        """Raises ``Problem`` when warming up began at the first candle that was read though there are earlier ones."""
        refuse([f"its indicators look back further than {PAST} candles"] if self._cut_off and not start else [])

    def _funding(self, job: BacktestJob, history: History) -> Points | None:
        """The payments the data has. Those of a model, before and after them, are for the event-driven run."""
        series, model = SeriesId(self.instrument.id, Kind.FUNDING), job.models.funding
        if not self.instrument.funding_interval:
            return None
        refuse([] if isinstance(model, FixedFunding) and not model.fixed else ["funding follows a model"])
        span = history.span(series)
        if span is None:
            return None
        parts = list(history.read(series, job.since + 1, min(span.last, job.until) + 1))
        return cast(Points, joined(Kind.FUNDING, parts))
