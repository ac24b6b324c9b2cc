"""Which series move the market of a run: candles, or prints, quotes and books where they were recorded."""

from collections.abc import Iterable, Sequence

from tradectl.backtest.job import BacktestJob
from tradectl.backtest.refusal import wrong
from tradectl.history.reading import History
from tradectl.history.series import Kind, SeriesId
from tradectl.model.errors import Problem
from tradectl.model.instruments import InstrumentId
from tradectl.model.market_data import INTERVALS

#: What may move a market, and ``auto``: the finest that was recorded of all instruments over the whole span.
BY = ("candles", "trades", "quotes", "book")
_KINDS = {"trades": Kind.TRADES, "quotes": Kind.QUOTES, "book": Kind.BOOK}
#: Streams that begin or end this much inside the span still cover it.
SLACK = INTERVALS["15m"]


def stream_of(history: History, by: str, instrument: InstrumentId) -> SeriesId | None:
    """The series of the kind ``by`` names; of several books the deepest."""
    kind = _KINDS[by]
    found = [it for it in history.series() if it.instrument == instrument and it.kind is kind]
    return max(found, key=lambda it: int(it.interval or 0), default=None)


def streams(job: BacktestJob, history: History) -> list[SeriesId]:
    """What moves the market of ``job`` beside candles, instrument by instrument.

    Raises ``Problem`` where an instrument lacks it.
    """
    found: list[SeriesId] = []
    for i in job.instruments if job.data != "candles" else ():
        own = stream_of(history, job.data, i)
        if own is None:
            raise _missing(history, job.data, i)
        found.append(own)
        trades = stream_of(history, "trades", i) if job.data != "trades" else None
        found += [trades] if trades is not None else []
    return found


def _missing(history: History, by: str, instrument: InstrumentId) -> Problem:
    own = [it.kind.value for it in history.series() if it.instrument == instrument]
    if own:
        return wrong(
            "by", by, f"is not recorded of {instrument}, only {', '.join(dict.fromkeys(own))}", "use --by auto"
        )
    there = ", ".join(dict.fromkeys(str(it.instrument) for it in history.series()))
    return wrong("symbol", str(instrument), "is not in the data", f"the data has {there or 'nothing'}")


def mark_of(history: History, instrument: InstrumentId, interval: str) -> SeriesId | None:
    """The mark candles of an instrument: of ``interval``, or without one the shortest there are."""
    there = [it for it in history.series() if it.instrument == instrument and it.kind is Kind.MARK]
    fits = [it for it in there if not interval or it.interval == interval]
    return min(fits, key=lambda it: INTERVALS[it.interval], default=None)


def chosen(by: str, history: History, instruments: Iterable[InstrumentId], since: int, until: int) -> str:
    """``by`` itself, or for ``auto`` what fits the data; ``since`` and ``until`` 0: all there is.

    Raises ``Problem`` for an unknown word.
    """
    if by in BY:
        return by
    if by != "auto":
        raise wrong("by", by, f"is none of {', '.join(BY)}, auto", "choose one of them")
    names = tuple(instruments)
    candles = [_of_candles(history, it) for it in names]
    whole = _whole(history, [it for one in candles for it in one])
    bounds = since or whole[0], until or whole[1]
    for word in ("book", "quotes"):
        if all(_covers(history, stream_of(history, word, it), *bounds) for it in names):
            return word
    if not all(candles) and all(stream_of(history, "trades", it) for it in names):
        return "trades"
    return "candles"


def bounds_of(history: History, series: Sequence[SeriesId]) -> tuple[int, int]:
    """From the first row of the latest to begin to just after the last row of all: what a run can play."""
    spans = [span for it in series if (span := history.span(it)) is not None]
    return (max(it.first for it in spans), max(it.last for it in spans) + 1) if spans else (0, 1)


def _of_candles(history: History, instrument: InstrumentId) -> list[SeriesId]:
    return [it for it in history.series() if it.instrument == instrument and it.kind is Kind.CANDLES]


def _whole(history: History, series: Sequence[SeriesId]) -> tuple[int, int]:
    spans = [(span, INTERVALS[it.interval]) for it in series if (span := history.span(it)) is not None]
    return (min(it.first for it, _ in spans), max(it.last + n for it, n in spans)) if spans else (0, 0)


def _covers(history: History, series: SeriesId | None, since: int, until: int) -> bool:
    span = history.span(series) if series is not None else None
    if span is None:
        return False
    return (not since or span.first <= since + SLACK) and (not until or span.last >= until - SLACK)
