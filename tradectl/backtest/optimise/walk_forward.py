"""Walk-forward: search in one window, trade the winner in the next, step on; only what was not searched counts.

Source: R. Pardo, "The Evaluation and Optimization of Trading Strategies" (2008). Every test begins flat with the job's
cash; the stitched curve compounds the tests' returns one after the other.
"""

import math
from collections.abc import Callable, Sequence
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from tradectl.backtest.job import BacktestResult, Warned
from tradectl.backtest.optimise.objectives import Judge
from tradectl.backtest.optimise.optimiser import optimise
from tradectl.backtest.optimise.plan import Evaluate, Plan, Source, Stop
from tradectl.backtest.optimise.result import OptimisationResult
from tradectl.backtest.optimise.search_space import Params
from tradectl.backtest.optimise.trial_run import marks_of
from tradectl.backtest.optimise.windows import Kind, Walk, Window, windows
from tradectl.performance import ratios
from tradectl.performance.returns import Mark, changes, daily

#: Makes evaluations that see nothing before and after the two moments.
SourceOf = Callable[[int, int], Source]


class Step(Struct, frozen=True, kw_only=True):
    """One window: what the search chose, what it promised (``inside``) and what came of it (``outside``)."""

    window: Window
    params: Params
    trials: int
    inside: dict[str, float | None]
    outside: dict[str, float | None]
    probability: float
    warning: str = ""


class WalkForwardResult(Struct, frozen=True, kw_only=True):
    """``curve``: moments and what one unit invested at the first test became.

    The ratios are those of the tests' daily returns alone. ``efficiency`` is the annual return of the tests over that
    of the trainings, NaN unless the latter is above 0; ``kept`` how many tests ended with a profit.
    """

    kind: Kind
    steps: tuple[Step, ...]
    curve: tuple[tuple[int, float], ...]
    total_return: float
    annual_return: float
    sharpe: float
    max_drawdown: float
    trades: int
    kept: int
    efficiency: float
    trials: int
    warnings: tuple[Warned, ...] = ()
    interrupted: bool = False


def walk_forward(
    plan: Plan, walk: Walk, source_of: SourceOf, test_of: SourceOf | None = None, *, stop: Stop = lambda: False,
    told: Callable[[int, int], None] = lambda done, count: None,
) -> WalkForwardResult:  # fmt: skip
    """``plan``'s search in every window's training and a test of its winner after it.

    ``source_of(since, until)`` makes the search's evaluations, which can see that window alone, ``test_of`` those of
    the tests, if they are others. A stopped walk gives the windows done.
    """
    wanted = windows(walk, plan.since, plan.until)
    done: list[tuple[Step, BacktestResult | None]] = []
    for number, window in enumerate(wanted):
        told(number, len(wanted))
        step = _stepped(plan, window, number, source_of, test_of or source_of, stop)
        if stop():
            break
        done.append(step)
    return _summed(walk.kind, done, interrupted=len(done) < len(wanted))


def _stepped(
    plan: Plan, window: Window, number: int, source_of: SourceOf, test_of: SourceOf, stop: Stop
) -> tuple[Step, BacktestResult | None]:
    name = f"{plan.study}/{number}" if plan.study else ""
    training = replace(
        plan, since=window.train_since, until=window.train_until, study=name, seed=plan.seed + number
    )  # fmt: skip
    found = optimise(training, source_of(window.train_since, window.train_until), stop=stop)
    if found.best is None or stop():
        said = "no trial gave the objective a value and kept the constraints: the test stays flat"
        return _step(window, found, {}, {}, said), None
    evaluate: Evaluate = test_of(window.test_since, window.test_until)(stop)
    result = evaluate(found.best.params, window.test_since, window.test_until)
    return _step(window, found, found.best.params, Judge(plan.objective).judge(result).measures, ""), result


def _step(
    window: Window, found: OptimisationResult, params: Params, outside: dict[str, float | None], said: str
) -> Step:
    inside = found.best.measures if found.best else {}
    return Step(
        window=window, params=params, trials=found.distinct, inside=inside, outside=outside,
        probability=found.deflated.probability, warning=said,
    )  # fmt: skip


def _summed(kind: Kind, done: Sequence[tuple[Step, BacktestResult | None]], interrupted: bool) -> WalkForwardResult:
    steps = tuple(step for step, _ in done)
    curve = stitched([(step.window, _marks(step.window, result)) for step, result in done])
    returns = changes(daily([Mark(at, Decimal(repr(level))) for at, level in curve]))
    trained = [step.inside.get("annual_return") for step in steps]
    known = [it for it in trained if it is not None]
    promised = math.fsum(known) / len(known) if known else math.nan
    reached = ratios.annual_return(returns)
    return WalkForwardResult(
        kind=kind,
        steps=steps,
        curve=tuple(curve),
        total_return=curve[-1][1] - 1.0 if curve else math.nan,
        annual_return=reached,
        sharpe=ratios.sharpe(returns),
        max_drawdown=ratios.max_drawdown(returns),
        trades=sum(result.metrics.trades.trades for _, result in done if result),
        kept=sum((step.outside.get("total_return") or 0.0) > 0.0 for step in steps),
        efficiency=reached / promised if promised > 0.0 else math.nan,
        trials=sum(step.trials for step in steps),
        warnings=tuple(Warned("no_result", step.warning) for step in steps if step.warning),
        interrupted=interrupted,
    )


def _marks(window: Window, result: BacktestResult | None) -> list[Mark]:
    """The test's equity as its metrics count it, from right before it on."""
    marks = marks_of(result) if result is not None else []
    return [replace(it, at=max(it.at, window.test_since - 1)) for it in marks]


def stitched(tests: Sequence[tuple[Window, Sequence[Mark]]]) -> list[tuple[int, float]]:
    """The tests' equity as one curve from 1.0: each begins where the one before ended; gaps between are level."""
    curve: list[tuple[int, float]] = []
    level = 1.0
    for window, marks in tests:
        first = float(marks[0].equity) if marks else 1.0
        told = [(mark.at, level * float(mark.equity) / first) for mark in marks]
        curve += told or [(window.test_since, level), (window.test_until - 1, level)]
        level = curve[-1][1]
    return curve
