"""Parameters of a strategy: declared once on the class, they serve settings, CLI, optimiser and validation."""

import math
from functools import lru_cache
from typing import Any, get_type_hints

from msgspec import Struct

from tradectl.model.errors import ErrorCode, Problem

_KINDS = (bool, int, float, str)


class Parameter(Struct, frozen=True):
    """One declared parameter; ``low`` and ``high`` are inclusive bounds where given."""

    name: str
    kind: type
    default: Any
    low: float | None = None
    high: float | None = None
    choices: tuple[Any, ...] = ()
    help: str = ""


class _Declared(Struct, frozen=True):
    default: Any
    low: float | None
    high: float | None
    choices: tuple[Any, ...]
    help: str


def param(
    default: Any, *, low: float | None = None, high: float | None = None, choices: tuple[Any, ...] = (), help: str = ""
) -> Any:
    """Declare a parameter with its bounds: ``fast: int = param(10, low=2, high=50)``."""
    return _Declared(default, low, high, choices, help)


def declared(cls: type) -> dict[str, Parameter]:
    """The parameters of a strategy class: its annotated public attributes, in order of declaration."""
    return dict(_declared(cls))


@lru_cache(maxsize=64)  # a sweep asks a thousand times
def _declared(cls: type) -> dict[str, Parameter]:
    found: dict[str, Parameter] = {}
    for base in reversed(cls.__mro__):
        hints = get_type_hints(base) if "__annotations__" in vars(base) else {}
        for name in vars(base).get("__annotations__", {}):
            if name.startswith("_") or name not in vars(base):
                continue
            raw = vars(base)[name]
            if hints.get(name) not in _KINDS:
                if isinstance(raw, _Declared):
                    raise _wrong(cls.__name__, name, f"cannot be a {hints.get(name)}", "use bool, int, float or str")
                continue
            told = raw if isinstance(raw, _Declared) else _Declared(raw, None, None, (), "")
            found[name] = Parameter(name, hints[name], told.default, told.low, told.high, told.choices, told.help)
    return found


def validated(cls: type, given: dict[str, Any], where: str) -> dict[str, Any]:
    """All parameters of ``cls`` with ``given`` over the defaults; ``where`` names the instance in errors.

    Raises ``Problem`` (INVALID_SETTING) naming parameter, value and rule.
    """
    known = declared(cls)
    for name in given:
        if name not in known:
            raise _wrong(where, name, f"is no parameter of {cls.__name__}", f"use one of: {', '.join(known) or 'none'}")
    return {name: _checked(p, given.get(name, p.default), where) for name, p in known.items()}


_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def coerced(cls: type, given: dict[str, Any], where: str) -> dict[str, Any]:
    """``given`` with text turned into what each parameter is declared as: ``{"fast": "12"}`` into ``{"fast": 12}``.

    Raises ``Problem`` (INVALID_SETTING) naming parameter, value and rule; bounds are :func:`validated`'s to check.
    """
    known = declared(cls)
    return {name: _read(known[name], v, where) if name in known else v for name, v in given.items()}


def _read(p: Parameter, value: Any, where: str) -> Any:
    if not isinstance(value, str) or p.kind is str:
        return value
    text = value.strip()
    try:
        return _WORDS[text.lower()] if p.kind is bool else p.kind(text)
    except (ValueError, KeyError):
        rule = {bool: "true or false", int: "a whole number", float: "a number"}[p.kind]
        raise _wrong(where, p.name, f"must be {rule}, not {value!r}", "") from None


def _checked(p: Parameter, given: Any, where: str) -> Any:
    kind: type = p.kind
    value: Any = float(given) if kind is float and type(given) is int else given
    if type(value) is not kind:
        raise _wrong(where, p.name, f"must be {kind.__name__}, not {value!r}", "")
    if p.choices and value not in p.choices:
        raise _wrong(where, p.name, f"is {value!r}, not one of {', '.join(map(str, p.choices))}", "")
    number: Any = value
    if kind is float and not math.isfinite(number):
        raise _wrong(where, p.name, f"is {value}, not a finite number", "")
    if p.low is not None and number < p.low:
        raise _wrong(where, p.name, f"is {value}, below {p.low:g}", "")
    if p.high is not None and number > p.high:
        raise _wrong(where, p.name, f"is {value}, above {p.high:g}", "")
    return value


def _wrong(where: str, name: str, rule: str, remedy: str) -> Problem:
    field = f"strategies.{where}.{name}"
    return Problem(ErrorCode.INVALID_SETTING, f"{field} {rule}", field=field, reason=rule, remedy=remedy)
