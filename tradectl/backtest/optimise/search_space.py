"""What is searched: one dimension per parameter, from the strategy's declaration or from the user's ``--param``."""

import difflib
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Any

from msgspec import Struct

from tradectl.backtest.optimise.expressions import Rule
from tradectl.engine.parameters import Parameter, coerced, declared, validated
from tradectl.engine.strategy import Strategy
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
            raise _wrong(self.name, "has no step: a grid needs one", f"write --param {self.name}=low:high:step")
        count = math.floor((self.high - self.low) / self.step + 1e-9) + 1
        if count > MOST_COMBINATIONS:
            raise _wrong(self.name, f"has {count} values, more than {MOST_COMBINATIONS}", "widen the step")
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
            raise _wrong("grid", f"has {total} combinations, more than {MOST_COMBINATIONS}", "widen steps")
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


def search_space(cls: type, given: Sequence[str], where: Iterable[str], held: Mapping[str, Any]) -> SearchSpace:
    """The space of a strategy class.

    ``given`` are texts ``name=low:high[:step][:log]``, ``name=a,b,c``, ``name=:`` (as declared) or ``name=value``
    (held). Without any range among them every parameter with declared bounds or choices is searched; with some, those
    alone. ``held`` are parameters set otherwise (symbol, interval): they are neither searched nor fixed here. Raises
    ``Problem`` naming parameter and rule.
    """
    known = declared(cls)
    texts = dict(_split(text, known) for text in given)
    fixed = coerced(cls, {name: text for name, text in texts.items() if not _is_range(text)}, cls.__name__)
    ranges = {name: text for name, text in texts.items() if _is_range(text)}
    settled = {*fixed, *held, *declared(Strategy)}  # what every strategy has, its category, is nothing to search
    chosen = ranges or {name: ":" for name, it in known.items() if name not in settled and _bounded(it)}
    dimensions = tuple(_dimension(cls, known[name], text) for name, text in chosen.items())
    if not dimensions:
        raise _wrong(cls.__name__, "has no parameter with bounds to search", "give a range: --param name=low:high")
    first = {it.name: it.first for it in dimensions}
    rest = validated(cls, {**held, **fixed, **first}, cls.__name__)
    rules = tuple(Rule(text, known, "where") for text in where)
    return SearchSpace(dimensions, fixed, rules, rest)


def _split(text: str, known: Mapping[str, Parameter]) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    name = name.strip()
    if not equals or not value.strip():
        raise _wrong(name, f"in {text!r} has no value", "write --param name=5:50 or --param name=12")
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]}?" if near else f"known are: {', '.join(known)}"
        raise _wrong(name, "is no parameter of this strategy", hint)
    return name, value.strip()


def _is_range(text: str) -> bool:
    return ":" in text or "," in text


def _bounded(it: Parameter) -> bool:
    return bool(it.choices) or (it.kind in (int, float) and it.low is not None and it.high is not None)


def _dimension(cls: type, it: Parameter, text: str) -> Dimension:
    if "," in text or (text == ":" and it.choices):
        texts = [part.strip() for part in text.split(",")] if "," in text else list(it.choices)
        values = [coerced(cls, {it.name: part}, cls.__name__)[it.name] for part in texts]
        choices = tuple(validated(cls, {it.name: value}, cls.__name__)[it.name] for value in values)
        return Dimension(name=it.name, choices=tuple(dict.fromkeys(choices)))
    if it.kind not in (int, float):
        raise _wrong(it.name, f"is a {it.kind.__name__}: it has no range", f"list its values: --param {it.name}=a,b")
    return _numbers(cls, it, text)


def _numbers(cls: type, it: Parameter, text: str) -> Dimension:
    parts = text.split(":")
    log = parts[-1].strip() == "log"
    numbers = [part.strip() for part in (parts[:-1] if log else parts)]
    if not 2 <= len(numbers) <= 3 or (log and len(numbers) == 3):
        raise _wrong(it.name, f"{text!r} is no range", "write low:high, low:high:step or low:high:log")
    low, high = (_bound(cls, it, part, side) for part, side in zip(numbers, (it.low, it.high), strict=False))
    step = _plain(it, numbers[2]) if len(numbers) == 3 else (1.0 if it.kind is int and not log else 0.0)
    if low > high:
        raise _wrong(it.name, f"{text!r} ends before it begins", "write the low bound first")
    if (len(numbers) == 3 and step <= 0) or (it.kind is int and step != int(step)):
        raise _wrong(it.name, f"cannot go in steps of {step:g}", "the step is above 0, whole for a whole number")
    if log and low <= 0:
        raise _wrong(it.name, f"cannot be spread by ratio from {low:g}", "log needs bounds above 0")
    return Dimension(name=it.name, low=low, high=high, step=step, whole=it.kind is int, log=log)


def _bound(cls: type, it: Parameter, text: str, declared_bound: float | None) -> float:
    if not text:
        if declared_bound is None:
            raise _wrong(it.name, "declares no bound to fill in", f"write --param {it.name}=low:high")
        return float(declared_bound)
    value = coerced(cls, {it.name: text}, cls.__name__)
    return float(validated(cls, value, cls.__name__)[it.name])


def _plain(it: Parameter, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise _wrong(it.name, f"cannot go in steps of {text!r}", "write a number")
    return number


def _wrong(name: str, rule: str, remedy: str) -> Problem:
    return Problem(ErrorCode.INVALID_REQUEST, f"parameter {name} {rule}", field=f"param.{name}", reason=rule,
                   remedy=remedy)  # fmt: skip
