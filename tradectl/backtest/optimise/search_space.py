"""What is searched: one dimension per parameter, the rules between them, and every combination that keeps them."""

import itertools
import math
from collections.abc import Mapping
from random import Random
from typing import Any

from msgspec import Struct

from tradectl.backtest.optimise.expressions import Rule
from tradectl.model.errors import ErrorCode, Problem

Params = dict[str, Any]
#: Draws before a rule counts as one that nothing keeps.
DRAWS = 10_000
MOST_COMBINATIONS = 1_000_000


class Dimension(Struct, frozen=True, kw_only=True):
    """The values of one parameter: ``choices``, or numbers from ``low`` to ``high`` inclusive.

    ``step`` 0 means any float between; ``log`` spreads them evenly by ratio. ``whole``: an integer.
    """

    name: str
    choices: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0
    step: float = 0.0
    whole: bool = False
    log: bool = False

    def values(self) -> tuple[Any, ...]:
        """Every value, in order. Raises ``Problem`` when there are infinitely many."""
        if self.choices:
            return self.choices
        if not self.step:
            raise wrong_parameter(
                self.name, "has no step: a grid needs one", f"write --param {self.name}=low:high:step"
            )
        count = math.floor((self.high - self.low) / self.step + 1e-9) + 1
        if count > MOST_COMBINATIONS:
            raise wrong_parameter(self.name, f"has {count} values, more than {MOST_COMBINATIONS}", "widen the step")
        return tuple(self._number(self.low + i * self.step) for i in range(count))

    @property
    def first(self) -> Any:
        """The low end."""
        return self.choices[0] if self.choices else self._number(self.low)

    def draw(self, random: Random) -> Any:
        """A value by chance, evenly over the dimension."""
        if self.log:
            number = math.exp(random.uniform(math.log(self.low), math.log(self.high)))
            return min(max(self._number(number), self._number(self.low)), self._number(self.high))
        if self.choices or self.step:
            values = self.values()
            return values[random.randrange(len(values))]
        return random.uniform(self.low, self.high)

    def place(self, value: Any) -> float:
        """Where in the dimension ``value`` lies: 0 at its low end, 1 at its high one."""
        if self.choices:
            return self.choices.index(value) / max(len(self.choices) - 1, 1)
        if self.high <= self.low:
            return 0.0
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return float((value - self.low) / (self.high - self.low))

    def _number(self, value: float) -> Any:
        # twelve decimals: 0.1 + 2 * 0.1 is a value of the grid of tenths
        return round(value) if self.whole else round(value, 12)


class SearchSpace(Struct, frozen=True):
    """All dimensions, what is ``fixed`` beside them, and rules every combination keeps.

    ``rest`` are the strategy's other parameters at their defaults: rules may name them.
    """

    dimensions: tuple[Dimension, ...]
    fixed: Params = {}
    rules: tuple[Rule, ...] = ()
    rest: Params = {}

    def allowed(self, params: Mapping[str, Any]) -> bool:
        """Whether ``params`` (searched and fixed) keep every rule."""
        return all(rule.holds({**self.rest, **self.fixed, **params}) for rule in self.rules)

    def grid(self) -> list[Params]:
        """Every combination that keeps the rules, in order. Raises ``Problem`` when there are none or too many."""
        columns = [it.values() for it in self.dimensions]
        total = math.prod(len(column) for column in columns)
        if total > MOST_COMBINATIONS:
            raise wrong_parameter("grid", f"has {total} combinations, more than {MOST_COMBINATIONS}", "widen steps")
        names = [it.name for it in self.dimensions]
        found = [dict(zip(names, row, strict=True)) for row in itertools.product(*columns)]
        found = [params for params in found if self.allowed(params)]
        if not found:
            raise self._nothing()
        return found

    def draw(self, random: Random) -> Params:
        """A combination by chance that keeps the rules. Raises ``Problem`` when none is found."""
        for _ in range(DRAWS):
            params = {it.name: it.draw(random) for it in self.dimensions}
            if self.allowed(params):
                return params
        raise self._nothing()

    def _nothing(self) -> Problem:
        rules = " and ".join(rule.text for rule in self.rules)
        return Problem(
            ErrorCode.INVALID_REQUEST, f"no combination of parameters keeps {rules}", field="where",
            remedy="loosen the rule or widen the ranges",
        )  # fmt: skip


def wrong_parameter(name: str, rule: str, remedy: str) -> Problem:
    """A parameter that cannot be searched as asked."""
    return Problem(ErrorCode.INVALID_REQUEST, f"parameter {name} {rule}", field=f"param.{name}", reason=rule,
                   remedy=remedy)  # fmt: skip
