"""A job checked against its history before anything runs, and what follows from both: the engine's configuration."""

from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from tradectl.backtest.code_version import code_version
from tradectl.backtest.driving import mark_of, streams
from tradectl.backtest.job import BacktestJob
from tradectl.backtest.refusal import wrong
from tradectl.engine.config import EngineConfig, QueueLimits
from tradectl.engine.parameters import validated
from tradectl.engine.strategy import Strategy
from tradectl.history.reading import History, Span
from tradectl.history.series import Columns, Kind, SeriesId
from tradectl.model.ids import run_id
from tradectl.model.instruments import Instrument, InstrumentId
from tradectl.model.market_data import INTERVALS

_SECOND = 10**9
_DAY = 86_400
#: A run's id stands in every order id; that of a backtest is always the same.
RUN = run_id(0)


class Prepared(Struct, frozen=True):
    """What a run needs to know. ``candles`` is how many there are to play; ``funding`` what each perpetual pays.

    ``streams`` move the market where candles do not, ``marks`` are candles of the mark price.

    ``notes`` are what the history says of itself: guessed filters, gaps, repaired rows.
    """

    job: BacktestJob
    config: EngineConfig
    instruments: tuple[Instrument, ...]
    length: int
    candles: int
    spans: dict[InstrumentId, Span]
    funding: dict[InstrumentId, Iterator[Columns]]
    has_funding: frozenset[InstrumentId]
    fingerprint: Callable[[], str]
    code: str
    notes: tuple[str, ...] = ()
    streams: tuple[SeriesId, ...] = ()
    marks: dict[InstrumentId, SeriesId] = {}


def prepare(job: BacktestJob, history: History, classes: Mapping[str, type[Strategy]]) -> Prepared:
    """Check everything. Raises ``Problem`` naming field, value, rule and remedy."""
    _check(job)
    for one in job.strategies:
        validated(classes[one.class_], {"category": one.category, **one.params}, one.name)
    length = INTERVALS[job.interval]
    moved = streams(job, history)
    series = {i: SeriesId(i, Kind.CANDLES, job.interval) for i in job.instruments}
    spans = {i: _span(history, it, job) for i, it in series.items()}
    known = history.instruments(job.since)
    for i in job.instruments:
        if i not in known:
            raise wrong("symbol", str(i), "is not described by the history", "add its instrument, or import it again")
    perpetuals = [SeriesId(i, Kind.FUNDING) for i in job.instruments if known[i].funding_interval]
    paid = [it for it in perpetuals if history.span(it) is not None]
    marks = {i: it for i in job.instruments if (it := mark_of(history, i, "" if moved else job.interval)) is not None}
    read = [*series.values(), *paid, *moved, *marks.values()]
    return Prepared(
        job=job, config=_config(job, length), instruments=tuple(known[i] for i in job.instruments), length=length,
        candles=sum(_count(it, job, length) for it in spans.values()), spans=spans,
        funding={it.instrument: history.read(it, job.since + 1, job.until + 1) for it in paid},
        has_funding=frozenset(it.instrument for it in paid),
        fingerprint=lambda: history.fingerprint(read, job.since, job.until), code=code_version(),
        notes=_notes(history, job), streams=tuple(moved), marks=marks,
    )  # fmt: skip


def _notes(history: History, job: BacktestJob) -> tuple[str, ...]:
    """What the history says of what is played: an opened one knows, one that was handed over says nothing."""
    about = getattr(history, "notes_about", None)
    return () if about is None else tuple(about(frozenset(job.instruments)))


def _check(job: BacktestJob) -> None:
    if job.interval not in INTERVALS:
        raise wrong("interval", job.interval, "is no interval", f"use one of {', '.join(INTERVALS)}")
    if job.since >= job.until:
        raise wrong("since", _day(job.since), f"is not before until, {_day(job.until)}", "give an earlier --since")
    if not job.strategies:
        raise wrong("strategy", "none", "is given", "name one; tradectl strategies list shows them")
    if not job.instruments or len(set(job.instruments)) != len(job.instruments):
        raise wrong(
            "symbol", ", ".join(map(str, job.instruments)), "must name at least one, each once", "give --symbol"
        )
    if job.cash <= 0:
        raise wrong("cash", str(job.cash), "must be above 0", "give --cash 10000")


def _span(history: History, series: SeriesId, job: BacktestJob) -> Span:
    """What there is of the candles. Raises ``Problem`` when nothing lies in the job's span."""
    span = history.span(series)
    if span is None:
        there = sorted({str(it) for it in history.series() if it.kind is Kind.CANDLES})
        of_it = [it.interval for it in history.series() if it.instrument == series.instrument and it.interval]
        rule = f"has no candles of {series.interval}" + (f", only of {', '.join(of_it)}" if of_it else "")
        remedy = "use that interval" if of_it else f"the data has {'; '.join(there[:8]) or 'nothing'}"
        raise wrong("interval" if of_it else "symbol", str(series.instrument), rule, remedy)
    begun = 0 if job.data == "candles" else INTERVALS[job.interval]  # streams play the rest of a candle, too
    if span.last + begun < job.since or span.first >= job.until:
        raise wrong(
            "since", _day(job.since), f"to {_day(job.until)} holds no candle of {series}",
            f"there are candles from {_day(span.first)} to {_day(span.last)}",
        )  # fmt: skip
    return span


def _day(ns: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(ns / _SECOND, UTC).strftime("%Y-%m-%d %H:%M")


def _count(span: Span, job: BacktestJob, length: int) -> int:
    """About how many candles there are: gaps are not known before they are met."""
    return max(0, (min(span.last, job.until - 1) - max(span.first, job.since)) // length + 1)


def _config(job: BacktestJob, length: int) -> EngineConfig:
    """The live engine's configuration: the world moves once per bar, so it looks once per bar, and prices are as old
    as a bar before the next one comes."""
    seconds = max(1, length // _SECOND)
    stale = max(job.limits.stale_quote_seconds, 3 * seconds)
    return EngineConfig(
        run=RUN, mode="backtest", settle_coin=job.settle_coin, position_mode=job.position_mode,  # type: ignore[arg-type]
        equity_every_s=365 * _DAY, guard_every_s=0, audit_every_s=365 * _DAY,
        risk=replace(job.limits, stale_quote_seconds=stale), queue=QueueLimits(), strategies=job.strategies,
    )  # fmt: skip
