"""From the user's ranges, such as ``fast=5:50``, and what the strategy declares to a space that can be searched."""

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tradectl.backtest.optimise.expressions import Rule
from tradectl.backtest.optimise.search_space import Dimension, SearchSpace
from tradectl.backtest.optimise.search_space import wrong_parameter as _wrong
from tradectl.engine.parameters import Parameter, coerced, declared, validated
from tradectl.engine.strategy import Strategy


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
