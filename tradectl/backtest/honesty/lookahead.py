"""Does a strategy see the future? Another future must change nothing that was decided before it.

Four ways to know what one should not, and what gives each away:

* through the candles it is given (an array of signals that looks one place ahead): with another future its earlier
  decisions differ;
* through signals declared as arrays, which are made of all candles at once (see ``declared.py``);
* through files it opens while it runs: opening one is noted;
* through what it brought along: whatever the candles say it decides the same, and its decisions foresee the next
  candle more often than chance would (binomial, one side).
"""

import math
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from tradectl.backtest.honesty.declared import declared_honestly
from tradectl.backtest.honesty.other_future import OtherFuture
from tradectl.backtest.job import BacktestJob, BacktestResult
from tradectl.backtest.runner import run_backtest
from tradectl.engine.strategy import Strategy
from tradectl.history.reading import History
from tradectl.history.series import Candles, Kind, SeriesId
from tradectl.model.commands import DecisionMade
from tradectl.model.market_data import INTERVALS

#: Where the future is changed, as parts of the span.
CUTS = (0.25, 0.5, 0.75)
#: Decisions that must be there before a hit rate says anything, and how unlikely it must be.
ENOUGH, UNLIKELY = 20, 1e-6
Key = tuple[int, str, str, str, str, str]


class Lookahead(Struct, frozen=True):
    """``ok`` and, if not, why: each finding a sentence. ``cuts`` are the moments from which the future was another."""

    ok: bool
    decisions: int
    cuts: tuple[int, ...]
    findings: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def row(self) -> dict[str, Any]:
        """As data."""
        return {
            "check": "lookahead", "ok": self.ok, "decisions": self.decisions, "cuts": list(self.cuts),
            "findings": list(self.findings), "notes": list(self.notes),
        }  # fmt: skip


def lookahead(
    job: BacktestJob, history: History, classes: Mapping[str, type[Strategy]], cuts: tuple[float, ...] = CUTS
) -> Lookahead:
    """Run ``job`` once as it is and once for each cut with another future. Raises what a backtest raises."""
    job = within(replace(job, keep_decisions=True), history)
    length = INTERVALS[job.interval] if job.data == "candles" else 1
    moments = tuple(job.since + int((job.until - job.since) * cut) // length * length for cut in cuts)
    with _opened_files() as opened:
        result = run_backtest(job, history, classes)
        known = _decided(result)
        others = [_decided(run_backtest(job, OtherFuture(history, at), classes)) for at in moments]
    findings = [text for at, other in zip(moments, others, strict=True) if (text := _earlier(known, other, at))]
    findings += [f"it opened {name} while it ran: what it reads there is known to nobody" for name in sorted(opened)]
    after = any(_after(known, at) != _after(other, at) for at, other in zip(moments, others, strict=True))
    notes = []
    if known and not after:
        notes.append("its decisions do not depend on the candles: they were the same with every other future")
        findings += _foresight(known, job, history)
    cls = classes[job.strategies[0].class_]
    if len(job.strategies) == 1 and hasattr(cls, "signals"):
        found, said = declared_honestly(job, history, cls, result, moments)
        findings, notes = findings + found, notes + said
    if not known:
        notes.append("it decided nothing: there is nothing to compare")
    return Lookahead(not findings, len(known), moments, tuple(findings), tuple(notes))


def within(job: BacktestJob, history: History) -> BacktestJob:
    """The job over the part of its span for which there are candles: cuts in an empty part would prove nothing."""
    if job.data != "candles":
        return job
    spans = [history.span(SeriesId(it, Kind.CANDLES, job.interval)) for it in job.instruments]
    there = [it for it in spans if it is not None]
    if not there:
        return job
    first, last = min(it.first for it in there), max(it.last for it in there) + INTERVALS[job.interval]
    since, until = max(job.since, first), min(job.until, last)
    return replace(job, since=since, until=until) if since < until else job


def _decided(result: BacktestResult) -> list[tuple[Key, DecisionMade]]:
    return [(_key(it), it) for it in result.decisions]


def _key(it: DecisionMade) -> Key:
    side = it.side.value if it.side is not None else ""
    return it.at, it.strategy, str(it.instrument), it.action, side, str(it.qty)


def _earlier(known: list[tuple[Key, DecisionMade]], other: list[tuple[Key, DecisionMade]], at: int) -> str:
    """The first decision up to ``at`` that another future changed."""
    was = [key for key, _ in known if key[0] <= at]
    now = [key for key, _ in other if key[0] <= at]
    if was == now:
        return ""
    place = next((i for i, (a, b) in enumerate(zip(was, now, strict=False)) if a != b), min(len(was), len(now)))
    first = was[place] if place < len(was) else now[place]
    verb = "was made otherwise" if place < len(was) and place < len(now) else "was not made in both"
    return (
        f"a decision {(at - first[0]) / 1e9:.0f} s before the candles changed {verb}: "
        f"{first[1]} {first[3]} {first[2]} {first[4]} {first[5]} at {when(first[0])}"
    )


def _after(decided: list[tuple[Key, DecisionMade]], at: int) -> list[Any]:
    """What was wanted once the candles had changed: sizes and sides follow from prices and positions alone."""
    return [(made.at, *wanted(made)) for key, made in decided if key[0] > at]


def wanted(made: DecisionMade) -> tuple[str, str, str, str]:
    """What a strategy asked for and why, whatever position it met."""
    return made.strategy, str(made.instrument), made.action, made.reason.removesuffix(" (already there)")


def when(ns: int) -> str:
    """A moment for a person."""
    return datetime.fromtimestamp(ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _foresight(known: list[tuple[Key, DecisionMade]], job: BacktestJob, history: History) -> list[str]:
    moves = {str(it): _next_moves(history, SeriesId(it, Kind.CANDLES, job.interval), job) for it in job.instruments}
    hits = total = 0
    for key, made in known:
        move = moves.get(key[2], {}).get(key[0], 0.0)
        if made.side is not None and move:
            total += 1
            hits += (move > 0) == (made.side.sign > 0)
    if total < ENOUGH or tail(hits, total) > UNLIKELY:
        return []
    return [f"{hits} of its {total} decisions foresaw the next candle, which chance does not: it knows the data"]


def _next_moves(history: History, series: SeriesId, job: BacktestJob) -> dict[int, float]:
    """By the time of a decision: how the candle that opens then closes."""
    found: dict[int, float] = {}
    for part in history.read(series, job.since, job.until):
        assert isinstance(part, Candles)
        found.update(zip(part.open_time.tolist(), (part.close - part.open).tolist(), strict=True))
    return found


def tail(hits: int, total: int) -> float:
    """Chance of at least ``hits`` heads in ``total`` throws of a fair coin."""
    return math.fsum(
        math.exp(math.lgamma(total + 1) - math.lgamma(k + 1) - math.lgamma(total - k + 1) - total * math.log(2))
        for k in range(hits, total + 1)
    )


_LISTENING: list[set[str]] = []


@contextmanager
def _opened_files() -> Iterator[set[str]]:
    """Names of files that strategy code opens meanwhile. An audit hook cannot be removed: one serves all checks."""
    if not _HOOKED:
        sys.addaudithook(_note_open)
        _HOOKED.append(True)
    opened: set[str] = set()
    _LISTENING.append(opened)
    try:
        yield opened
    finally:
        _LISTENING.remove(opened)


_HOOKED: list[bool] = []


def _note_open(event: str, args: tuple[Any, ...]) -> None:
    if event != "open" or not _LISTENING or not isinstance(args[0], str):
        return
    name = args[0]
    if not name.endswith((".py", ".pyc")) and _asked_by_strategy():
        for opened in _LISTENING:
            opened.add(name)


def _asked_by_strategy() -> bool:
    """Whether a strategy's own callback is on the stack, above the engine."""
    frame = sys._getframe(2)
    while frame is not None:
        found = frame.f_locals.get("self")
        if isinstance(found, Strategy) and frame.f_code.co_name.startswith("on_"):
            return True
        frame = frame.f_back  # type: ignore[assignment]
    return False
