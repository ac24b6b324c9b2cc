"""Has a strategy the past it needs? Begun later, it must say the same of the same candles.

The run is begun once early and again at later moments. Where both hold the same positions, both must decide the same;
and right after the warm-up the indicators must stand where the longer past has brought them.
"""

import math
from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from tradectl.backtest.honesty.lookahead import wanted, when, within
from tradectl.backtest.job import BacktestJob
from tradectl.backtest.runner import Backtest
from tradectl.engine.strategy import Strategy
from tradectl.history.reading import History
from tradectl.model.market_data import INTERVALS

#: Later beginnings, as parts of the span.
STARTS = (0.3, 0.45, 0.6, 0.75)
#: Indicators of both runs may differ by this much of their value: recursive ones promise a millionth.
TOLERANCE = 2e-5
#: At most so many findings are told.
MOST = 5


class WarmUpCheck(Struct, frozen=True):
    """``ok`` and, if not, why; ``compared`` counts the moments at which both runs held the same and one decided."""

    ok: bool
    compared: int
    starts: tuple[int, ...]
    findings: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def row(self) -> dict[str, Any]:
        """As data."""
        return {
            "check": "warmup", "ok": self.ok, "compared": self.compared, "starts": list(self.starts),
            "findings": list(self.findings), "notes": list(self.notes),
        }  # fmt: skip


def warm_up(
    job: BacktestJob, history: History, classes: Mapping[str, type[Strategy]], starts: tuple[float, ...] = STARTS
) -> WarmUpCheck:
    """Compare ``job`` with itself begun later. Raises what a backtest raises."""
    job = within(replace(job, keep_decisions=True), history)
    length = INTERVALS[job.interval]
    whole = _Run(job, history, classes)
    moments = tuple(job.since + int((job.until - job.since) * part) // length * length for part in starts)
    findings: list[str] = []
    compared = 0
    for at in moments:
        later = _Run(replace(job, since=at), history, classes)
        met, differing = _compare(whole, later, at)
        compared += met
        findings += differing + _indicators(job, history, classes, at, length)
    notes = [] if compared else ["no decision fell where both runs held the same: nothing could be compared"]
    return WarmUpCheck(not findings, compared, moments, tuple(dict.fromkeys(findings))[:MOST], tuple(notes))


class _Run:
    """Decisions by moment, and the sign of every position after each fill."""

    def __init__(self, job: BacktestJob, history: History, classes: Mapping[str, type[Strategy]]) -> None:
        self.test = Backtest(job, history, classes)
        result = self.test.run(None, None)
        self.decided: dict[int, list[tuple[str, ...]]] = {}
        for it in result.decisions:
            self.decided.setdefault(it.at, []).append(wanted(it))
        self.fills = [
            (it.execution.ts, (it.strategy, str(it.execution.instrument)), it.position)
            for it in result.executions
            if it.execution.type == "Trade"
        ]


def _compare(whole: _Run, later: _Run, since: int) -> tuple[int, list[str]]:
    """Walk both runs; at each moment with decisions and equal positions before it, both must say the same."""
    held: tuple[dict[Any, int], dict[Any, int]] = ({}, {})
    places = [0, 0]
    met = 0
    for at in sorted(t for t in {*whole.decided, *later.decided} if t > since):
        for side, run in enumerate((whole, later)):
            while places[side] < len(run.fills) and run.fills[places[side]][0] < at:
                _, key, size = run.fills[places[side]]
                held[side][key] = (size > 0) - (size < 0)
                places[side] += 1
        if _nonzero(held[0]) != _nonzero(held[1]):
            continue
        met += 1
        if whole.decided.get(at) != later.decided.get(at):
            return met, [_told(whole, later, at, since)]
    return met, []


def _nonzero(held: dict[Any, int]) -> dict[Any, int]:
    return {key: sign for key, sign in held.items() if sign}


def _told(whole: _Run, later: _Run, at: int, since: int) -> str:
    def words(run: _Run) -> str:
        return "; ".join(" ".join(it) for it in run.decided.get(at, [])) or "nothing"

    return (
        f"at {when(at)}, {(at - since) / 60e9:.0f} minutes after its first candle, it decided {words(later)}; with the "
        f"longer past {words(whole)}"
    )


def _indicators(
    job: BacktestJob, history: History, classes: Mapping[str, type[Strategy]], at: int, length: int
) -> list[str]:
    """Indicators right after the first candle of a later start, against those of the whole run there."""
    values = []
    for since in (job.since, at):
        test = Backtest(replace(job, since=since, until=at + length), history, classes)
        test.run(None, None)
        values.append(
            {
                (name, str(key), label): value
                for name, runner in test.engine.host.runners.items()
                for key, series in runner.series.items()
                for label, value in series.inputs()
            }
        )
    found = []
    for key, known in values[0].items():
        value = values[1].get(key, math.nan)
        if math.isfinite(known) and not math.isclose(known, value, rel_tol=TOLERANCE, abs_tol=1e-9):
            found.append(f"{key[0]}: {key[2]} is {value:g} after its warm-up and {known:g} with the longer past")
    return found
