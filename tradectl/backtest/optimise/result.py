"""What an optimisation found, with the figures that say how far to believe it: plain records for JSON and report."""

from typing import Any

import msgspec
from msgspec import Struct

from tradectl.backtest.job import Warned
from tradectl.backtest.optimise.deflated_sharpe import DeflatedSharpe
from tradectl.backtest.optimise.objectives import Goal
from tradectl.backtest.optimise.overfitting import Overfitting
from tradectl.backtest.optimise.stability import StabilityMap
from tradectl.backtest.optimise.trial_record import TrialRecord


class OptimisationResult(Struct, frozen=True, kw_only=True):
    """``trials`` by number; ``best`` is feasible and has the best first goal, ``front`` are those nothing else beats
    in every goal (with one goal: the best alone), ``ranked`` the feasible ones from the best on.

    ``distinct`` counts different combinations tried, pruned ones too: the number the honest figures are about.
    ``importance`` sums to 1. ``about`` is what the study is about. ``replaced`` counts workers that died,
    ``engines`` how runs were made (pruned ones apart).
    """

    study: str
    storage: str
    goals: tuple[Goal, ...]
    sampler: str
    pruner: str
    seed: int
    asked: int
    complete: int
    pruned: int
    infeasible: int
    stopped: int
    distinct: int
    trials: tuple[TrialRecord, ...]
    best: TrialRecord | None
    front: tuple[TrialRecord, ...]
    ranked: tuple[TrialRecord, ...]
    importance: dict[str, float]
    stability: StabilityMap
    deflated: DeflatedSharpe
    overfitting: Overfitting
    warnings: tuple[Warned, ...]
    about: dict[str, str]
    engines: dict[str, int] = {}
    replaced: int = 0
    interrupted: bool = False
    wall_seconds: float = 0.0


def plain(result: OptimisationResult, top: int = 10) -> dict[str, Any]:
    """As JSON tells it: NaN is null, daily returns are left out, ``ranked`` is cut to ``top``."""
    told: dict[str, Any] = msgspec.to_builtins(result)
    for name in ("trials", "front", "ranked"):
        told[name] = [_without_returns(it) for it in told[name]]
    told["ranked"] = told["ranked"][:top]
    told["best"] = _without_returns(told["best"]) if told["best"] else None
    cleaned: dict[str, Any] = without_nan(told)
    return cleaned


def _without_returns(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != "returns"}


def without_nan(value: Any) -> Any:
    """Builtins with ``None`` where a number is not finite: JSON has no word for it."""
    if isinstance(value, float):
        return value if value - value == 0.0 else None
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(item) for item in value]
    return value
