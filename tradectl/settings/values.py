"""Turning what a file or an environment variable says into a typed value, or saying which rule it breaks."""

import types
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from tradectl.model.money import plain

NAMES: dict[Any, str] = {bool: "true or false", int: "a whole number", float: "a number", Decimal: "a decimal number",
                         str: "text"}  # fmt: skip
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def unwrap(hint: Any) -> tuple[Any, tuple[msgspec.Meta, ...]]:
    """The type inside ``Annotated`` and its msgspec rules."""
    if get_origin(hint) is Annotated:
        inner, *extras = get_args(hint)
        return inner, tuple(extra for extra in extras if isinstance(extra, msgspec.Meta))
    return hint, ()


def _optional(hint: Any) -> Any:
    """``X`` of ``X | None``, or ``None`` when the hint is no such thing."""
    if get_origin(hint) in (Union, types.UnionType):
        rest = [arg for arg in get_args(hint) if arg is not type(None)]
        return rest[0] if len(rest) == 1 and len(get_args(hint)) == 2 else None
    return None


def describe(hint: Any) -> str:
    """The rule of a value in words: ``a decimal number, from 0 to 10``."""
    kind, metas = unwrap(hint)
    inner = _optional(kind)
    if inner is not None:
        return f"{describe(inner)}; empty for none"
    if get_origin(kind) is Literal:
        words = "one of " + ", ".join(str(arg) for arg in get_args(kind))
    elif isinstance(kind, type) and issubclass(kind, Enum):
        words = "one of " + ", ".join(str(member.value) for member in kind)
    elif get_origin(kind) is tuple:
        words = f"a list, each {describe(get_args(kind)[0])}"
    elif get_origin(kind) is dict:
        words = f"a table, each value {describe(get_args(kind)[1])}"
    elif get_origin(kind) in (Union, types.UnionType):
        words = "true, false, a number or text"
    else:
        words = NAMES.get(kind, getattr(kind, "__name__", str(kind)))
    bounds = [_bounds(meta) for meta in metas]
    return ", ".join([words, *(text for text in bounds if text)])


def _bounds(meta: msgspec.Meta) -> str:
    parts = []
    low, high = (meta.ge, meta.le)
    if low is not None and high is not None:
        return f"from {low} to {high}"
    for limit, text in ((low, "at least"), (meta.gt, "above"), (high, "at most"), (meta.lt, "below")):
        if limit is not None:
            parts.append(f"{text} {limit}")
    if meta.pattern is not None:
        parts.append(f"matching {meta.pattern}")
    return ", ".join(parts)


def _in_bounds(value: Any, meta: msgspec.Meta) -> bool:
    return not (
        (meta.ge is not None and value < meta.ge)
        or (meta.gt is not None and value <= meta.gt)
        or (meta.le is not None and value > meta.le)
        or (meta.lt is not None and value >= meta.lt)
    )


def coerce(value: Any, hint: Any, text: bool = False) -> Any:
    """``value`` as ``hint`` wants it; ``text`` says it came from an environment variable.

    Raises ``ValueError`` with the broken rule.
    """
    kind, metas = unwrap(hint)
    result = _coerce(value, kind, text)
    if isinstance(result, int | float | Decimal) and not isinstance(result, bool):
        for meta in metas:
            if not _in_bounds(result, meta):
                raise ValueError(f"must be {describe(hint)}")
    return result


def _coerce(value: Any, kind: Any, text: bool) -> Any:
    inner = _optional(kind)
    if inner is not None:
        return None if value in ("", None) else coerce(value, inner, text)
    origin = get_origin(kind)
    if origin is Literal:
        return _choice(value, {str(arg): arg for arg in get_args(kind)}, kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _choice(value, {str(member.value): member for member in kind}, kind)
    if origin is tuple:
        return _list(value, get_args(kind)[0], text)
    if origin is dict:
        return _table(value, get_args(kind)[1], text)
    if origin in (Union, types.UnionType):
        return _scalar(value)
    return _number_or_text(value, kind, text)


def _choice(value: Any, choices: dict[str, Any], kind: Any) -> Any:
    for word, choice in choices.items():
        if isinstance(value, str) and value.lower() == word.lower():
            return choice
    raise ValueError(f"must be {describe(kind)}")


def _list(value: Any, item: Any, text: bool) -> tuple[Any, ...]:
    if text:
        value = [part.strip() for part in value.split(",") if part.strip()]
    if not isinstance(value, list):
        raise ValueError(f"must be a list, each {describe(item)}")
    return tuple(coerce(part, item, text) for part in value)


def _table(value: Any, item: Any, text: bool) -> dict[str, Any]:
    if text:
        pairs = [part.partition("=") for part in value.split(",") if part.strip()]
        value = {key.strip(): found.strip() for key, _, found in pairs}
    if not isinstance(value, dict):
        raise ValueError(f"must be a table such as {{ NAME = value }}, each value {describe(item)}")
    return {str(key): coerce(found, item, text) for key, found in value.items()}


def _scalar(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, bool | int | float | str):
        return value
    raise ValueError("must be true, false, a number or text")


def _number_or_text(value: Any, kind: Any, text: bool) -> Any:
    wrong = ValueError(f"must be {NAMES.get(kind, kind)}")
    if kind is bool:
        if text and isinstance(value, str) and value.lower() in _TRUE + _FALSE:
            return value.lower() in _TRUE
        if isinstance(value, bool):
            return value
        raise wrong
    if kind is str:
        if isinstance(value, str):
            return value
        raise wrong
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise wrong
    if isinstance(value, str) and not (text or kind is Decimal):
        raise wrong
    number = _finite(value, wrong)
    if kind is Decimal:
        return number
    if kind is float:
        return float(number)
    if kind is int:
        if isinstance(value, Decimal | float) or number != number.to_integral_value():
            raise wrong
        return int(number)
    raise TypeError(f"settings of type {kind!r} are not supported")


def _finite(value: Any, wrong: ValueError) -> Decimal:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise wrong from None
    if not number.is_finite():
        raise ValueError(f"{wrong}, and finite")
    return number


def as_toml(value: Any) -> str:
    """``value`` as TOML writes it; ``None`` as empty text."""
    if isinstance(value, Enum):
        return as_toml(value.value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, int | float):
        return repr(value)
    if value is None:
        return '""'
    if isinstance(value, dict) and not value:
        return "{}"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {as_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(as_toml(item) for item in value) + "]"
    return msgspec.json.encode(str(value)).decode()


def _key(key: Any) -> str:
    text = str(key)
    return text if text.replace("_", "").replace("-", "").isalnum() and text.isascii() else as_toml(text)


def as_text(value: Any) -> str:
    """``value`` as an environment variable holds it."""
    if isinstance(value, dict):
        return ",".join(f"{key}={as_text(item)}" for key, item in value.items())
    if isinstance(value, tuple | list):
        return ",".join(as_text(item) for item in value)
    if isinstance(value, str) and not isinstance(value, Enum):
        return value
    text = as_toml(value)
    return text[1:-1] if text.startswith('"') else text
