"""A search with everything that says how far to believe it: the best run in full, walk-forward, Monte Carlo."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tradectl.backtest.job import BacktestResult
from tradectl.backtest.optimise.evaluation import BacktestSource, Held
from tradectl.backtest.optimise.monte_carlo import MonteCarlo, of_days, of_equities, of_trades
from tradectl.backtest.optimise.objectives import Judge, Judged
from tradectl.backtest.optimise.optimiser import optimise
from tradectl.backtest.optimise.plan import Plan, Stop
from tradectl.backtest.optimise.result import OptimisationResult, plain, without_nan
from tradectl.backtest.optimise.search_space import Params
from tradectl.backtest.optimise.synthetic_prices import series_of, synthetic
from tradectl.backtest.optimise.trial_record import TrialRecord
from tradectl.backtest.optimise.trial_run import marks_of
from tradectl.backtest.optimise.walk_forward import WalkForwardResult, walk_forward
from tradectl.backtest.optimise.windows import Walk, windows
from tradectl.history.series import Kind, SeriesId
from tradectl.performance.returns import changes, daily
from tradectl.performance.round_trips import round_trips

#: What is being done, and how much of it: words, done, in all.
Told = Callable[[str, int, int], None]


class Further(Struct, frozen=True, kw_only=True):
    """What is wanted beside the search: ``draws`` of trades and of days, ``paths`` of synthetic prices (0: none).

    ``block_days`` and ``block_bars`` are mean lengths of blocks; ``ruined`` is the share of the start that is ruin.
    """

    walk: Walk | None = None
    draws: int = 0
    paths: int = 0
    block_days: float = 10.0
    block_bars: float = 100.0
    ruined: float = 0.5


class Outcome(Struct, frozen=True, kw_only=True):
    """``best`` is the winner's event-driven backtest over the whole span, ``None`` when there is no winner.

    ``differs`` names what came out otherwise than in the search: nothing, unless the program is wrong.
    """

    search: OptimisationResult
    best: BacktestResult | None = None
    differs: tuple[str, ...] = ()
    walk: WalkForwardResult | None = None
    monte_carlo: tuple[MonteCarlo, ...] = ()


def whole(
    plan: Plan, source: BacktestSource, further: Further, *, join: bool = False, stop: Stop = lambda: False,
    told: Told = lambda what, done, count: None,
) -> Outcome:  # fmt: skip
    """Search, then what is wanted further. A stop gives what there is. Raises ``Problem``."""
    if further.walk is not None:
        windows(further.walk, plan.since, plan.until)  # what cannot be walked is said before anything is searched
    search = optimise(plan, source, join=join, stop=stop, told=lambda done, count: told("trials", done, count))
    if search.best is None or stop():
        return Outcome(search=search)
    params = search.best.params
    events = source.by_events()
    best = events(stop)(params, plan.since, plan.until)
    differs = () if best.interrupted else differences(search.best, Judge.of(plan).judge(best))
    drawn = _drawn(plan, events, further, params, best, stop, told)
    walk = None
    if further.walk is not None and not stop():
        walk = walk_forward(
            plan, further.walk, source.within, events.within, stop=stop,
            told=lambda done, count: told("windows", done, count),
        )  # fmt: skip
    return Outcome(search=search, best=best, differs=differs, walk=walk, monte_carlo=drawn)


def differences(trial: TrialRecord, again: Judged) -> tuple[str, ...]:
    """What a trial's run gave in the search and gives otherwise now, in words."""
    pairs = {name: (trial.measures[name], again.measures.get(name)) for name in trial.measures}
    pairs |= {f"goal {i}": pair for i, pair in enumerate(zip(trial.values, again.values, strict=True), 1)}
    return tuple(f"{name} was {was}, is {now}" for name, (was, now) in pairs.items() if not _same(was, now))


def _same(was: float | None, now: float | None) -> bool:
    if was is None or now is None:
        return was is now
    return math.isclose(was, now, rel_tol=1e-9, abs_tol=1e-9)


def _drawn(
    plan: Plan, source: BacktestSource, further: Further, params: Params, best: BacktestResult, stop: Stop, told: Told
) -> tuple[MonteCarlo, ...]:
    found = []
    if further.draws:
        trips, days = round_trips(best.fills), changes(daily(marks_of(best)))
        found.append(of_trades(trips, best.job.cash, further.draws, plan.seed, further.ruined))
        found.append(of_days(days, further.draws, plan.seed, further.block_days, further.ruined))
    if further.paths:
        curves = []
        for number in range(further.paths):
            if stop():
                break
            told("paths", number, further.paths)
            curves.append(_on_a_path(plan, source, further, params, plan.seed + number, stop))
        found.append(of_equities(curves, best.candles, plan.seed, further.block_bars, further.ruined))
    return tuple(found)


def _on_a_path(
    plan: Plan, source: BacktestSource, further: Further, params: Params, seed: int, stop: Stop
) -> list[float]:
    """The equity of the best parameters on prices that never were."""
    history, job = source.open(), source.job
    wanted = [SeriesId(it, Kind.CANDLES, job.interval) for it in job.instruments]
    candles, others = series_of(history, wanted)
    made = synthetic(history, candles, others, plan.since, plan.until, seed=seed, block=further.block_bars)
    result = replace(source, open=Held(made), window=None)(stop)(params, plan.since, plan.until)
    return [float(it.equity) for it in result.samples]


def document(outcome: Outcome, top: int = 10) -> dict[str, Any]:
    """Everything but the best run itself as plain data for JSON; moments of windows as ISO 8601."""
    told = plain(outcome.search, top)
    told["differs"] = list(outcome.differs)
    if outcome.walk is not None:
        walk: dict[str, Any] = msgspec.to_builtins(outcome.walk)
        for step in walk["steps"]:
            step["window"] = {name: _iso(at) for name, at in step["window"].items()}
        walk["curve"] = [[_iso(at), level] for at, level in walk["curve"]]
        told["walk_forward"] = without_nan(walk)
    if outcome.monte_carlo:
        told["monte_carlo"] = without_nan(msgspec.to_builtins(list(outcome.monte_carlo)))
    return told


def _iso(ns: int) -> str:
    return datetime.fromtimestamp(ns / 1e9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
