"""An optimisation as it was asked for: everything a worker needs, in one record that travels between processes."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from msgspec import Struct

from tradectl.backtest.job import BacktestResult, Interim
from tradectl.backtest.optimise.search_space import Params, SearchSpace


class Evaluate(Protocol):
    """Runs the strategy with parameters over ``since <= open < until``; ``interim`` sees it under way."""

    def __call__(self, params: Params, since: int, until: int, interim: Interim | None = None) -> BacktestResult: ...


#: Asked between bars: whether to end early.
Stop = Callable[[], bool]
#: Makes an :data:`Evaluate` inside the process that uses it; must be picklable.
Source = Callable[[Stop], Evaluate]
Sampler = Literal["tpe", "cmaes", "grid", "random"]
Pruner = Literal["median", "hyperband", "none"]


class Plan(Struct, frozen=True, kw_only=True):
    """What is searched, how, and how far.

    ``identity`` names what must be the same when a study is resumed (data, job, code), in words. ``rungs`` are the
    parts of the span after which a pruner may give up. ``grace_s`` is how long a worker may be silent before its trial
    is given to others; ``longest_trial_s`` how long one trial may take at all.
    """

    space: SearchSpace
    since: int
    until: int
    objective: str = "sharpe"
    constraints: tuple[str, ...] = ()
    folder: str = ""
    trials: int = 100
    sampler: Sampler = "tpe"
    pruner: Pruner = "none"
    rungs: tuple[float, ...] = (0.125, 0.25)
    seed: int = 0
    study: str = ""
    storage: str = ""
    workers: int = 1
    grace_s: float = 30.0
    poll_s: float = 0.5
    longest_trial_s: float = 6 * 3600.0
    nice: int = 10
    identity: dict[str, str] = {}

    def sameness(self) -> dict[str, str]:
        """What a study is about: two plans with the same may share their trials."""
        space: dict[str, Any] = {f"parameter {it.name}": _told(it) for it in self.space.dimensions}
        fixed = {f"parameter {name}": str(value) for name, value in {**self.space.rest, **self.space.fixed}.items()}
        return {
            **self.identity,
            **fixed,
            **space,
            "where": " and ".join(rule.text for rule in self.space.rules),
            "objective": self.objective,
            "constraints": ", ".join(self.constraints),
            "since": _moment(self.since),
            "until": _moment(self.until),
        }


def _moment(ns: int) -> str:
    return datetime.fromtimestamp(ns // 10**9, UTC).strftime("%Y-%m-%d %H:%M:%S") + f".{ns % 10**9:09}".rstrip("0.")


def _told(it: Any) -> str:
    if it.choices:
        return "one of " + ", ".join(map(str, it.choices))
    steps = "by ratio" if it.log else f"in steps of {it.step:g}" if it.step else "any between"
    return f"{it.low:g} to {it.high:g}, {steps}"
