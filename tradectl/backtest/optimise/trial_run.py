"""One trial from proposed parameters to its verdict; a pruner may give it up under way."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tradectl.backtest.collector import measured_marks
from tradectl.backtest.engines import WHY
from tradectl.backtest.job import BacktestResult, Interim
from tradectl.backtest.optimise.deflated_sharpe import moments
from tradectl.backtest.optimise.objectives import Judge, Judged
from tradectl.backtest.optimise.plan import Evaluate, Plan
from tradectl.backtest.optimise.sampling import optuna_module, step_of
from tradectl.backtest.optimise.search_space import Params
from tradectl.backtest.optimise.trial_record import key, packed
from tradectl.performance.returns import Mark, changes, daily

if TYPE_CHECKING:
    import optuna

PARAMS, MEASURED, RETURNS, SECONDS, SAME, STOPPED, DEFINED, VIOLATIONS, ENGINE, RATIO = (
    "params", "measures", "returns", "seconds", "same_as", "stopped", "defined", "violations", "engine",
    "ratio",
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
        result = self._evaluated(trial, everything)
        judged = self._judge.judge(result)
        self._noted(trial, result, judged, time.perf_counter() - begun)
        return judged.values

    def _evaluated(self, trial: "optuna.Trial", params: Params) -> BacktestResult:
        plan = self._plan
        if plan.pruner == "none":
            result = self._evaluate(params, plan.since, plan.until)
        else:
            rungs = {plan.since + int((plan.until - plan.since) * part): step_of(part) for part in plan.rungs}
            interim = Interim(tuple(rungs), lambda so_far: self._rung(trial, rungs, so_far))
            result = self._evaluate(params, plan.since, plan.until, interim)
        if self._stop():
            raise Abandoned
        return result

    def _rung(self, trial: "optuna.Trial", rungs: dict[int, int], so_far: BacktestResult) -> None:
        """Tell the pruner of a run under way, and leave it when it says so."""
        if self._stop():
            raise Abandoned
        trial.report(self._judge.judge(so_far).values[0], max(rungs[it] for it in rungs if it <= so_far.ended))
        if trial.should_prune():
            trial.set_user_attr(RATIO, moments(changes(daily(marks_of(so_far))))[0])
            raise Pruned

    def _noted(self, trial: "optuna.Trial", result: BacktestResult, judged: Judged, seconds: float) -> None:
        trial.set_user_attr(MEASURED, judged.measures)
        trial.set_user_attr(RETURNS, packed(changes(daily(marks_of(result)))))
        trial.set_user_attr(SECONDS, round(seconds, 3))
        trial.set_user_attr(ENGINE, _engine(result))
        trial.set_user_attr(DEFINED, judged.defined)
        trial.set_user_attr(VIOLATIONS, list(judged.violations))
        _constrain(trial, judged.violations)
        if result.stopped:
            trial.set_user_attr(STOPPED, "; ".join(f"{name}: {why}" for name, why in result.stopped.items())[:500])

    def _copied(self, trial: "optuna.Trial", same: "optuna.trial.FrozenTrial") -> Any:
        """The verdict on the same parameters again: a backtest gives the same every time."""
        trial.set_user_attr(SAME, same.user_attrs["slot"])
        for name in (MEASURED, RETURNS, DEFINED, VIOLATIONS, STOPPED, ENGINE, RATIO):
            if name in same.user_attrs:
                trial.set_user_attr(name, same.user_attrs[name])
        _constrain(trial, same.user_attrs.get(VIOLATIONS, ()))
        if same.state == optuna_module().trial.TrialState.PRUNED:
            raise Pruned
        return same.values


def marks_of(result: BacktestResult) -> list[Mark]:
    """A result's equity as its metrics count it: the first day has a return, too."""
    return measured_marks(result.job.cash, [(it.at, it.equity) for it in result.samples])


def _engine(result: BacktestResult) -> str:
    """How the run was made: ``arrays``, or ``events`` and why."""
    why = result.extra.get(WHY, "")
    return str(result.extra.get("engine", f"events: {why}" if why else "events"))


def _constrain(trial: "optuna.Trial", violations: Any) -> None:
    """Tell samplers how far the trial is from keeping each constraint."""
    for number, violation in enumerate(violations):
        trial.set_constraint(str(number), violation)


def _same(wanted: bytes, finished: "dict[int, optuna.trial.FrozenTrial]") -> "optuna.trial.FrozenTrial | None":
    for it in finished.values():
        if SAME not in it.user_attrs and key(it.user_attrs[PARAMS]) == wanted:
            return it
    return None
