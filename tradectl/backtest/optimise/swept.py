"""A sweep from ranges to what is shown: every combination over arrays, the best of them run again event-driven."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec
import numpy as np
from msgspec import Struct

from tradectl.backtest.arrays.loaded import Loaded
from tradectl.backtest.arrays.sweep import SweepResult, sweep
from tradectl.backtest.job import BacktestJob, BacktestResult
from tradectl.backtest.optimise.deflated_sharpe import DeflatedSharpe, deflated_sharpe
from tradectl.backtest.optimise.result import without_nan
from tradectl.backtest.optimise.search_space import SearchSpace
from tradectl.backtest.optimise.stability import Tried, mapped
from tradectl.backtest.optimise.trial_run import marks_of
from tradectl.backtest.request import with_params
from tradectl.backtest.runner import run_backtest
from tradectl.engine.strategy import Strategy
from tradectl.history.reading import History
from tradectl.model.errors import ErrorCode, Problem
from tradectl.performance.ratios import YEAR
from tradectl.performance.returns import changes, daily

Sort = Literal["sharpe", "total_return"]
#: Figures of a row that follow from the trades alone, whatever moments equity is sampled at.
_COMPARED: dict[str, Callable[[BacktestResult], float]] = {
    "total_return": lambda it: float(it.final_equity / it.job.cash) - 1.0,
    "trades": lambda it: float(it.metrics.trades.trades),
    "win_rate": lambda it: it.metrics.trades.win_rate,
    "profit_factor": lambda it: it.metrics.trades.profit_factor,
    "fees": lambda it: float(it.metrics.profit.fees),
}


class Swept(Struct, frozen=True, kw_only=True):
    """``ranked`` are rows of ``table``, best first, without those that have a note. ``best`` is the event-driven run of
    the first (``None``: no row has a figure), ``differs`` names where it is not what the row says."""

    table: SweepResult
    space: SearchSpace
    sort: Sort
    ranked: tuple[int, ...]
    best: BacktestResult | None
    differs: tuple[str, ...]
    deflated: DeflatedSharpe


def swept(
    job: BacktestJob, history: History, classes: Mapping[str, type[Strategy]], space: SearchSpace,
    sort: Sort = "sharpe", *, progress: Callable[[int, int], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Swept:  # fmt: skip
    """Every combination of ``space``. Raises ``Problem`` when strategy or job need the event-driven run."""
    rows = space.grid()
    names = [it.name for it in space.dimensions]
    fixed = with_params(job, space.fixed)
    name = job.strategies[0].class_
    try:
        loaded = Loaded(job, history)
        table = sweep(
            fixed, loaded.candles, classes[name], names, [tuple(it.values()) for it in rows], loaded.instrument,
            loaded.funding, progress=progress and (lambda done: progress(done, len(rows))), stop=stop,
        )  # fmt: skip
    except Problem as problem:
        raise _for_optimize(problem) from None
    ranked = [row for row in table.best(sort, len(table)) if row not in table.notes]
    best = None
    if ranked:
        chosen = with_params(fixed, dict(zip(names, table.params[ranked[0]], strict=True)))
        best = run_backtest(chosen, history, classes)
    return Swept(
        table=table, space=space, sort=sort, ranked=tuple(ranked), best=best,
        differs=differing(table.row(ranked[0]), best) if best else (), deflated=_deflated(table, best),
    )  # fmt: skip


def differing(row: Mapping[str, Any], again: BacktestResult) -> tuple[str, ...]:
    """Where the event-driven run is not what the row says, in words."""
    pairs = {name: (row[name], get(again)) for name, get in _COMPARED.items()}
    return tuple(
        f"{name} is {was!r} over arrays, {now!r} event-driven"
        for name, (was, now) in pairs.items()
        if not math.isclose(was, now, rel_tol=1e-9, abs_tol=1e-9) and not (math.isnan(was) and math.isnan(now))
    )


def rows_of(found: Swept) -> list[dict[str, Any]]:
    """Every row with its figures, in the order of the grid; ``note`` where something is to be known about it."""
    table = found.table
    return [
        {**without_nan(table.row(i)), **({"note": table.notes[i]} if i in table.notes else {})}
        for i in range(len(table))
    ]


def study_of(found: Swept) -> dict[str, Any]:
    """As the report tells a search: what :func:`optimise.whole.document` tells, as far as a sweep knows it."""
    table, names = found.table, found.table.names
    values = table.columns[found.sort]
    tried = [Tried(i, dict(zip(names, table.params[i], strict=True)), float(values[i])) for i in found.ranked]
    told = {
        "goals": [{"name": found.sort, "high": True}], "sampler": "sweep", "pruner": "none", "pruned": 0,
        "complete": len(tried), "distinct": tried_in(table), "deflated": msgspec.to_builtins(found.deflated),
        "overfitting": {"probability": None}, "importance": {},
        "warnings": [{"code": "deflated", "text": it} for it in warnings_of(found)],
        "stability": msgspec.to_builtins(mapped(found.space, tried, True)) if tried else {"best": None, "cells": []},
        "ranked": [{"number": it.number, "params": it.params, "values": [it.value]} for it in tried[:20]],
    }  # fmt: skip
    cleaned: dict[str, Any] = without_nan(told)
    return cleaned


def warnings_of(found: Swept) -> list[str]:
    """What keeps one from believing the best row."""
    said = []
    chance = found.deflated.probability
    if found.best is not None and not chance >= 0.95:
        told = "cannot be measured on so few days" if math.isnan(chance) else f"is {chance:.0%} (95 % is customary)"
        said.append(
            f"the best of {tried_in(found.table)} is no evidence: the chance that its Sharpe ratio is more than luck "
            f"{told}; test it on a span it was not chosen on (optimize --walk-forward)"
        )
    if found.table.notes:
        first = next(iter(found.table.notes.values()))
        said.append(f"{len(found.table.notes)} rows are not ranked, first: {first}")
    return said


def _deflated(table: SweepResult, best: BacktestResult | None) -> DeflatedSharpe:
    yearly = [ratio for row, ratio in enumerate(table.columns["sharpe"].tolist()) if row not in table.notes]
    returns = changes(daily(marks_of(best))) if best else ()
    return deflated_sharpe(returns, [it / math.sqrt(YEAR) for it in yearly], tried_in(table))


def tried_in(table: SweepResult) -> int:
    """How many rows were run: parameters that cannot go together are none, nor what a stop left over."""
    return int(np.isfinite(table.columns["total_return"]).sum())


def _for_optimize(problem: Problem) -> Problem:
    if problem.code is not ErrorCode.NOT_READY or problem.field != "arrays":
        return problem
    return Problem(
        problem.code, problem.message, field="sweep", reason=problem.reason,
        remedy="use tradectl optimize --sampler grid, whose trials may be event-driven",
    )  # fmt: skip
