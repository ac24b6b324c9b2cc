"""One trial from proposed parameters to its verdict: on parts of the span first, where a pruner may give it up."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tradectl.backtest.job import BacktestResult
from tradectl.backtest.optimise.objectives import Judge, Judged
from tradectl.backtest.optimise.plan import Evaluate, Plan
from tradectl.backtest.optimise.sampling import optuna_module, step_of
from tradectl.backtest.optimise.search_space import Params
from tradectl.backtest.optimise.trial_record import key, packed
from tradectl.performance.returns import changes, daily

if TYPE_CHECKING:
    import optuna

PARAMS, MEASURED, RETURNS, SECONDS, SAME, STOPPED, DEFINED, VIOLATIONS = (
    "params", "measures", "returns", "seconds", "same_as", "stopped", "defined", "violations",
)  # fmt: skip


class Pruned(Exception):
    """The pruner gave the trial up."""


class Abandoned(Exception):
    """Somebody stopped the run, or others took the trial over: what was computed counts for nothing."""


class TrialRun:
    """Runs trials of one plan; ``earlier`` finds a finished trial with the same parameters."""

    def __init__(self, plan: Plan, judge: Judge, evaluate: Evaluate, stop: Callable[[], bool]) -> None:
        self._plan, self._judge, self._evaluate, self._stop = plan, judge, evaluate, stop

    def run(self, trial: "optuna.Trial", params: Params, finished: "dict[int, optuna.trial.FrozenTrial]") -> Any:
        """The values to tell; notes what else was found in the trial. Raises :class:`Pruned` or :class:`Abandoned`."""
        everything = {**self._plan.space.fixed, **params}
        trial.set_user_attr(PARAMS, everything)
        same = _same(key(everything), finished)
        if same is not None:
            return self._copied(trial, same)
        begun = time.perf_counter()
        self._rungs(trial, everything)
        result = self._evaluated(everything, self._plan.until)
        judged = self._judge.judge(result)
        self._noted(trial, result, judged, time.perf_counter() - begun)
        return judged.values

    def _evaluated(self, params: Params, until: int) -> BacktestResult:
        result = self._evaluate(params, self._plan.since, until)
        if self._stop():
            raise Abandoned
        return result

    def _rungs(self, trial: "optuna.Trial", params: Params) -> None:
        if self._plan.pruner == "none":
            return
        span = self._plan.until - self._plan.since
        for part in self._plan.rungs:
            judged = self._judge.judge(self._evaluated(params, self._plan.since + int(span * part)))
            trial.report(judged.values[0], step_of(part))
            if trial.should_prune():
                raise Pruned

    def _noted(self, trial: "optuna.Trial", result: BacktestResult, judged: Judged, seconds: float) -> None:
        trial.set_user_attr(MEASURED, judged.measures)
        trial.set_user_attr(RETURNS, packed(changes(daily(result.marks))))
        trial.set_user_attr(SECONDS, round(seconds, 3))
        trial.set_user_attr(DEFINED, judged.defined)
        trial.set_user_attr(VIOLATIONS, list(judged.violations))
        _constrain(trial, judged.violations)
        if result.stopped:
            trial.set_user_attr(STOPPED, "; ".join(f"{name}: {why}" for name, why in result.stopped.items())[:500])

    def _copied(self, trial: "optuna.Trial", same: "optuna.trial.FrozenTrial") -> Any:
        """The verdict on the same parameters again: a backtest gives the same every time."""
        trial.set_user_attr(SAME, same.user_attrs["slot"])
        for name in (MEASURED, RETURNS, DEFINED, VIOLATIONS, STOPPED):
            if name in same.user_attrs:
                trial.set_user_attr(name, same.user_attrs[name])
        _constrain(trial, same.user_attrs.get(VIOLATIONS, ()))
        if same.state == optuna_module().trial.TrialState.PRUNED:
            raise Pruned
        return same.values


def _constrain(trial: "optuna.Trial", violations: Any) -> None:
    """Tell samplers how far the trial is from keeping each constraint."""
    for number, violation in enumerate(violations):
        trial.set_constraint(str(number), violation)


def _same(wanted: bytes, finished: "dict[int, optuna.trial.FrozenTrial]") -> "optuna.trial.FrozenTrial | None":
    for it in finished.values():
        if SAME not in it.user_attrs and key(it.user_attrs[PARAMS]) == wanted:
            return it
    return None
