"""From a study's finished trials to the result: ranks, the front, importance, honest figures, warnings."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tradectl.backtest.job import Warned
from tradectl.backtest.optimise import trial_run
from tradectl.backtest.optimise.deflated_sharpe import DeflatedSharpe, deflated_sharpe, moments
from tradectl.backtest.optimise.objectives import Goal
from tradectl.backtest.optimise.overfitting import Overfitting, overfitting
from tradectl.backtest.optimise.plan import Plan
from tradectl.backtest.optimise.result import OptimisationResult
from tradectl.backtest.optimise.sampling import optuna_module
from tradectl.backtest.optimise.slots import WORKER, Slots
from tradectl.backtest.optimise.stability import Tried, stability
from tradectl.backtest.optimise.study import safe_address
from tradectl.backtest.optimise.trial_record import TrialRecord, unpacked

if TYPE_CHECKING:
    import optuna

#: Trials below which importance and overfitting say nothing.
FEW = 10


def findings(
    plan: Plan, goals: tuple[Goal, ...], study: "optuna.Study", slots: Slots, asked: int, **more: Any
) -> OptimisationResult:
    """Everything the finished trials say; ``more`` are fields the caller knows (interrupted, seconds...)."""
    finished = slots.finished()
    records = tuple(_record(slot, finished[slot]) for slot in sorted(finished))
    distinct = [it for it in records if it.same_as < 0]
    usable = [it for it in distinct if it.state == "complete" and it.feasible and None not in it.values]
    ranked = sorted(usable, key=lambda it: (-_signed(it, goals)[0], it.number))
    importance = _importance(study, finished, goals)
    best = ranked[0] if ranked else None
    deflated, over = _honest(best, distinct)
    tried = [Tried(it.number, it.params, it.values[0] or 0.0) for it in usable]
    return OptimisationResult(
        study=study.study_name if plan.storage else "",
        storage=safe_address(plan.storage) or "memory",
        goals=goals,
        sampler=plan.sampler,
        pruner=plan.pruner,
        seed=plan.seed,
        asked=asked,
        complete=sum(it.state != "pruned" for it in records),
        pruned=sum(it.state == "pruned" for it in records),
        infeasible=sum(not it.feasible for it in records),
        stopped=sum(it.state == "stopped" for it in records),
        distinct=len(distinct),
        trials=records,
        best=best,
        front=tuple(front(ranked, goals)),
        ranked=tuple(ranked),
        importance=importance,
        stability=stability(plan.space, tried, goals[0].high, list(importance)),
        deflated=deflated,
        overfitting=over,
        warnings=tuple(_warnings(records, ranked, asked, deflated, over)),
        about=plan.sameness(),
        engines=dict(Counter(it.engine for it in distinct if it.engine).most_common()),
        **more,
    )


def front(ranked: Sequence[TrialRecord], goals: tuple[Goal, ...]) -> list[TrialRecord]:
    """Those that no other is at least as good as in every goal and better in one (of equals: all)."""
    values = [(it, _signed(it, goals)) for it in ranked]
    return [it for it, own in values if not any(_dominates(other, own) for _, other in values)]


def _dominates(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one != other and all(a >= b for a, b in zip(one, other, strict=True))


def _signed(it: TrialRecord, goals: tuple[Goal, ...]) -> tuple[float, ...]:
    """Values so that higher is better."""
    return tuple((v or 0.0) if goal.high else -(v or 0.0) for v, goal in zip(it.values, goals, strict=True))


def _record(slot: int, trial: "optuna.trial.FrozenTrial") -> TrialRecord:
    noted = trial.user_attrs
    violations = tuple(noted.get(trial_run.VIOLATIONS, ()))
    state = "pruned" if trial.state == optuna_module().trial.TrialState.PRUNED else "complete"
    values: tuple[float | None, ...] = ()
    if state == "complete":
        values = tuple(v if abs(v) < 1e12 else None for v in trial.values or ())
    return TrialRecord(
        number=slot,
        params=noted[trial_run.PARAMS],
        state="stopped" if trial_run.STOPPED in noted else state,
        values=values,
        feasible=not any(violations),
        violations=violations,
        measures=noted.get(trial_run.MEASURED, {}),
        returns=unpacked(noted[trial_run.RETURNS]) if trial_run.RETURNS in noted else (),
        seconds=noted.get(trial_run.SECONDS, 0.0),
        worker=noted.get(WORKER, ""),
        same_as=noted.get(trial_run.SAME, -1),
        why=noted.get(trial_run.STOPPED, ""),
        engine=noted.get(trial_run.ENGINE, ""),
        ratio=_number(noted.get(trial_run.RATIO)),
    )


def _number(value: Any) -> float | None:
    return value if isinstance(value, float) and math.isfinite(value) else None


def _importance(study: "optuna.Study", finished: dict[int, Any], goals: tuple[Goal, ...]) -> dict[str, float]:
    """By PED-ANOVA (Watanabe, Bansal, Hutter 2023): how much a parameter tells good trials from all; most first."""
    optuna = optuna_module()
    complete = [it for it in finished.values() if it.state == optuna.trial.TrialState.COMPLETE]
    names = {name for it in complete for name in it.params}
    if len(complete) < FEW or len(names) < 2 or len({it.values[0] for it in complete}) < 2:
        return {}
    counted = optuna.create_study(direction="maximize" if goals[0].high else "minimize")
    counted.add_trials([_first_goal(it) for it in complete])
    evaluator = optuna.importance.PedAnovaImportanceEvaluator()
    found: dict[str, float] = optuna.importance.get_param_importances(counted, evaluator=evaluator)
    return {name: float(share) for name, share in sorted(found.items(), key=lambda pair: -pair[1])}


def _first_goal(it: Any) -> Any:
    return optuna_module().trial.create_trial(params=it.params, distributions=it.distributions, value=it.values[0])


def _honest(best: TrialRecord | None, distinct: list[TrialRecord]) -> tuple[DeflatedSharpe, Overfitting]:
    measured = [it.returns for it in distinct if it.returns]
    # Without the pruned ones the spread would be that of the survivors, and the best look less like luck.
    ratios = [moments(returns)[0] for returns in measured] + [it.ratio for it in distinct if it.ratio is not None]
    deflated = deflated_sharpe(best.returns if best else (), ratios, len(distinct))
    longest = max(map(len, measured), default=0)
    table = np.zeros((longest, len(measured)))
    for column, returns in enumerate(measured):
        table[: len(returns), column] = returns  # one that ended early earned nothing afterwards
    return deflated, overfitting(table)


def _warnings(
    records: Sequence[TrialRecord], ranked: Sequence[TrialRecord], asked: int, deflated: DeflatedSharpe,
    over: Overfitting,
) -> list[Warned]:  # fmt: skip
    said = []
    if len(records) < asked:
        said.append(Warned("incomplete", f"{len(records)} of {asked} trials are finished"))
    if not ranked:
        said.append(Warned("no_result", "no trial gave the objective a value and kept the constraints"))
    stopped = [it for it in records if it.state == "stopped"]
    if stopped:
        text = f"in {len(stopped)} trials the strategy stopped with an error, first: {stopped[0].why}"
        said.append(Warned("stopped", text))
    if deflated.probability < 0.95:
        text = f"the best Sharpe ratio is no evidence: after {deflated.trials} trials the chance that it is more than "
        said.append(Warned("deflated", text + f"luck is {deflated.probability:.0%} (95 % is customary)"))
    if over.probability > 0.5:
        text = (
            f"picking the best of these trials is worse than chance out of sample in {over.probability:.0%} of splits"
        )
        said.append(Warned("overfitted", text))
    if math.isnan(over.probability) and records:
        said.append(Warned("too_short", "too few days or trials to measure the probability of overfitting"))
    return said
