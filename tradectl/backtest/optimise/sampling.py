"""How the next parameters are proposed, and when a trial is given up: Optuna's samplers and pruners by their names."""

from typing import TYPE_CHECKING, Any

from tradectl.backtest.optimise.plan import Plan
from tradectl.backtest.optimise.search_space import Dimension, Params
from tradectl.model.errors import ErrorCode, Problem

if TYPE_CHECKING:
    import optuna


def optuna_module() -> Any:
    """Optuna, quiet. Raises ``Problem`` when it is not installed."""
    try:
        import optuna
    except ImportError:
        raise Problem(
            ErrorCode.NOT_FOUND, "optuna is not installed", field="optimize",
            remedy="pip install 'tradectl[research]'",
        ) from None  # fmt: skip
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def sampler(plan: Plan, slot: int, goals: int) -> "optuna.samplers.BaseSampler":
    """The sampler of one trial. Seeded by the plan and the trial's slot: a resumed study goes on, never repeats."""
    optuna = optuna_module()
    seed = (plan.seed * 1_000_003 + slot * 7_919) % 2**32
    if plan.sampler == "tpe":
        return optuna.samplers.TPESampler(seed=seed, multivariate=False, n_startup_trials=min(10, plan.trials))  # type: ignore[no-any-return]
    if plan.sampler == "cmaes":
        if goals > 1:
            raise _cannot("cmaes", "searches for one goal, not several", "use --sampler tpe")
        _need_cmaes()
        return optuna.samplers.CmaEsSampler(seed=seed, n_startup_trials=min(5, plan.trials))  # type: ignore[no-any-return]
    return optuna.samplers.RandomSampler(seed=seed)  # type: ignore[no-any-return]


def pruner(plan: Plan, goals: int) -> "optuna.pruners.BasePruner":
    """The pruner. Raises ``Problem`` when there are several goals: nobody can say which trial is behind."""
    optuna = optuna_module()
    if plan.pruner == "none":
        return optuna.pruners.NopPruner()  # type: ignore[no-any-return]
    if goals > 1:
        raise _cannot(plan.pruner, "compares one goal, not several", "use --pruner none")
    if plan.pruner == "median":
        return optuna.pruners.MedianPruner(n_startup_trials=5)  # type: ignore[no-any-return]
    steps = [step_of(part) for part in plan.rungs]
    return optuna.pruners.HyperbandPruner(min_resource=min(steps, default=1), max_resource=100, reduction_factor=2)  # type: ignore[no-any-return]


def step_of(part: float) -> int:
    """A part of the span in per cent: what pruners count in."""
    return max(round(part * 100), 1)


def suggest(trial: "optuna.Trial", dimensions: tuple[Dimension, ...]) -> Params:
    """A value for every dimension, as the trial's sampler proposes."""
    return {it.name: _suggested(trial, it) for it in dimensions}


def _suggested(trial: "optuna.Trial", it: Dimension) -> Any:
    if it.choices:
        return trial.suggest_categorical(it.name, it.choices)
    if it.whole:
        return trial.suggest_int(it.name, int(it.low), int(it.high), step=int(it.step) or 1, log=it.log)
    value = trial.suggest_float(it.name, it.low, it.high, step=it.step or None, log=it.log)
    return round(value, 12) if it.step else value


def _need_cmaes() -> None:
    try:
        import cmaes  # noqa: F401
    except ImportError:
        raise Problem(
            ErrorCode.NOT_FOUND, "cmaes is not installed", field="sampler", remedy="pip install 'tradectl[research]'"
        ) from None


def _cannot(name: str, rule: str, remedy: str) -> Problem:
    return Problem(ErrorCode.INVALID_REQUEST, f"{name} {rule}", field="objective", reason=rule, remedy=remedy)
