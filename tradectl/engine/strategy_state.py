"""A strategy's own attributes, written down and brought back: numbers, text, Decimals, lists and dicts of these."""

from decimal import Decimal
from typing import Any

from tradectl.model.errors import ErrorCode, Problem

_PLAIN = (bool, float, str, type(None))


def encode(value: Any, path: str) -> Any:
    """``value`` in plain types; raises ``Problem`` naming the attribute that cannot be kept over a restart."""
    if isinstance(value, Decimal):
        return {"$decimal": str(value)}
    if type(value) in _PLAIN:
        return value
    if type(value) is int:
        return value if -(2**63) <= value < 2**64 else {"$int": str(value)}
    if isinstance(value, tuple):
        return {"$tuple": [encode(v, f"{path}[{i}]") for i, v in enumerate(value)]}
    if isinstance(value, list):
        return [encode(v, f"{path}[{i}]") for i, v in enumerate(value)]
    if isinstance(value, dict) and all(isinstance(k, str) and not k.startswith("$") for k in value):
        return {k: encode(v, f"{path}.{k}") for k, v in value.items()}
    raise Problem(
        ErrorCode.INVALID_SETTING,
        f"{path} holds a {type(value).__name__}, which cannot be kept over a restart",
        field=path,
        reason="state must be numbers, text, Decimals, tuples, lists or dicts of these with names for keys",
        remedy="start the name with an underscore if on_start makes it anew",
    )


def decode(value: Any) -> Any:
    """What :func:`encode` was given."""
    if isinstance(value, list):
        return [decode(v) for v in value]
    if isinstance(value, dict):
        if "$decimal" in value:
            return Decimal(value["$decimal"])
        if "$tuple" in value:
            return tuple(decode(v) for v in value["$tuple"])
        if "$int" in value:
            return int(value["$int"])
        return {k: decode(v) for k, v in value.items()}
    return value


def own_names(strategy: object, params: dict[str, Any], skip: frozenset[str]) -> tuple[str, ...]:
    """The attributes a strategy set on itself: no parameters, nothing private, nothing of the framework's."""
    return tuple(k for k in vars(strategy) if not k.startswith("_") and k not in skip and k not in params)


def attributes(strategy: object, params: dict[str, Any], skip: frozenset[str]) -> dict[str, Any]:
    """The values of :func:`own_names`, encoded. Raises ``Problem`` naming the attribute that cannot be kept."""
    own = vars(strategy)
    return {k: encode(own[k], f"{type(strategy).__name__}.{k}") for k in own_names(strategy, params, skip)}
