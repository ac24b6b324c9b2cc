"""What a trial is judged by: named measures of performance, the user's own functions, and constraints on either."""

import difflib
import math
import re
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from tradectl.backtest.job import BacktestResult
from tradectl.backtest.optimise.expressions import UNMEASURED, Rule
from tradectl.backtest.optimise.measures import MEASURES
from tradectl.backtest.optimise.own_functions import Own, called, load_function, number_of, wrong
from tradectl.backtest.optimise.plan import Plan

#: What a trial without a value counts as: finite, because not every sampler takes infinity.
WORST = 1e12
#: Why a user's function needs the event-driven run.
OWN_RESULT = "a function of yours judges results, and may look at orders and decisions"
_OWN = re.compile(r"[A-Za-z_]\w*:[A-Za-z_]\w*")
_DIRECTIONS = {"max": True, "min": False}


class Goal(Struct, frozen=True):
    """One value of the objective: to be made ``high``, else low."""

    name: str
    high: bool


class Judged(Struct, frozen=True):
    """A result's values (one per goal, :data:`WORST` where there is none), violations (0 kept) and all measures.

    Of what has no value (NaN) ``measures`` hold ``None``; ``defined``: every goal had one.
    """

    values: tuple[float, ...]
    violations: tuple[float, ...]
    measures: dict[str, float | None]
    defined: bool


class _Wanted(Struct, frozen=True):
    """A part of the objective: a measure, or a function that gives as many values as there are goals."""

    goals: tuple[Goal, ...]
    own: Own | None


class Judge:
    """The objective and constraints as the user wrote them.

    ``objective``: ``sharpe,max_drawdown:min`` or ``module:function[:max|min...]``, a direction per value returned;
    ``constraints``: conditions over measures or ``module:function`` (number <= 0, or true: kept). Modules are files of
    ``folder``. Raises ``Problem`` for an unknown name.
    """

    def __init__(self, objective: str, constraints: Sequence[str] = (), folder: Path | None = None) -> None:
        self._wanted = [_part(text.strip(), folder) for text in objective.split(",")]
        self._rules = [_constraint(text.strip(), folder) for text in constraints]
        self.goals = tuple(goal for part in self._wanted for goal in part.goals)

    @classmethod
    def of(cls, plan: Plan) -> "Judge":
        """The judge of a plan."""
        return cls(plan.objective, plan.constraints, Path(plan.folder) if plan.folder else None)

    @property
    def has_own(self) -> bool:
        """Whether a function of the user's looks at results, and may look at anything in them."""
        return any(it.own is not None for it in self._wanted) or any(not isinstance(it, Rule) for it in self._rules)

    def judge(self, result: BacktestResult) -> Judged:
        """Raises ``Problem`` when a function of the user's fails or returns something else than it promised."""
        measures = {name: it.get(result) for name, it in MEASURES.items()}
        raw = [value for part in self._wanted for value in _values(part, result, measures)]
        values = tuple(v if math.isfinite(v) else _worst(goal) for v, goal in zip(raw, self.goals, strict=True))
        violations = tuple(_violated(rule, result, measures) for rule in self._rules)
        told = {name: value if math.isfinite(value) else None for name, value in measures.items()}
        return Judged(values, violations, told, all(map(math.isfinite, raw)))


def _worst(goal: Goal) -> float:
    return -WORST if goal.high else WORST


def _part(text: str, folder: Path | None) -> _Wanted:
    name, *directions = text.split(":")
    if name in MEASURES and not (directions and directions[0] not in _DIRECTIONS):
        if len(directions) > 1:
            raise wrong("objective", text, "has more than one direction", "write it as NAME:max or NAME:min")
        return _Wanted((Goal(name, _DIRECTIONS[directions[0]] if directions else MEASURES[name].high),), None)
    if not directions or directions[0] in _DIRECTIONS:
        near = difflib.get_close_matches(name, MEASURES, 1)
        hint = f"did you mean {near[0]}?" if near else f"known are: {', '.join(MEASURES)}, or MODULE:FUNCTION"
        raise wrong("objective", name, "is no measure", hint)
    function, *told = directions
    if any(it not in _DIRECTIONS for it in told):
        raise wrong("objective", text, "has a direction other than max or min", f"write {name}:{function}:max")
    goals = tuple(Goal(f"{function}{i or ''}", _DIRECTIONS[it]) for i, it in enumerate(told or ["max"]))
    return _Wanted(goals, load_function(f"{name}:{function}", folder, "objective"))


def _constraint(text: str, folder: Path | None) -> Rule | Own:
    if _OWN.fullmatch(text):
        return load_function(text, folder, "constraint")
    return Rule(text, MEASURES, "constraint")


def _values(part: _Wanted, result: BacktestResult, measures: dict[str, float]) -> list[float]:
    if part.own is None:
        return [measures[part.goals[0].name]]
    told = called(part.own, result, "objective")
    values = list(told) if isinstance(told, tuple | list) else [told]
    if len(values) != len(part.goals):
        rule = f"returned {len(values)} values where {len(part.goals)} were announced"
        raise wrong("objective", part.own.__name__, rule, "write a direction for each: MODULE:FUNCTION:max:min")
    return [number_of(value, part.own, "objective") for value in values]


def _violated(rule: Rule | Own, result: BacktestResult, measures: dict[str, float]) -> float:
    if isinstance(rule, Rule):
        return rule.violation(measures)
    told = called(rule, result, "constraint")
    if isinstance(told, bool):
        return 0.0 if told else 1.0
    number = number_of(told, rule, "constraint")
    return UNMEASURED if math.isnan(number) else min(max(number, 0.0), UNMEASURED)
