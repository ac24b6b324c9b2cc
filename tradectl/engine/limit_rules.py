"""What may be said about a limit: its name, its unit, its value from text, and the scope it belongs to."""

from decimal import Decimal
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from msgspec import Meta
from msgspec.structs import fields

from tradectl.engine.risk_limits import SCOPES, ZERO_IS_OFF, RiskLimits
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.money import parse_amount, plain

LimitValue = Decimal | int | bool | tuple[str, ...]

_HINTS: dict[str, Any] = get_type_hints(RiskLimits, include_extras=True)
NAMES: tuple[str, ...] = tuple(f.name for f in fields(RiskLimits))
_TRUE, _FALSE = ("true", "yes", "on"), ("false", "no", "off")


def _problem(name: str, value: str, rule: str, remedy: str) -> Problem:
    return Problem(
        ErrorCode.INVALID_SETTING, f"{name} = {value!r} is refused: {rule}", field=name, reason=rule, remedy=remedy
    )


def unit_of(name: str) -> str:
    """The unit of a limit in words."""
    for meta in _metas(name):
        if meta.extra and "unit" in meta.extra:
            return str(meta.extra["unit"])
    return _UNITS.get(name, "")


_UNITS = {
    "order_share": "fraction of equity", "position_share": "fraction of equity", "gross_share": "fraction of equity",
    "day_loss_share": "fraction of equity", "drawdown_share": "fraction of equity",
    "collar_share": "fraction of price", "limit_band_share": "fraction of price", "orders_per_second": "orders",
    "orders_per_minute": "orders", "open_orders": "orders", "stale_quote_seconds": "s", "leverage": "x",
}  # fmt: skip


def meaning_of(name: str) -> str:
    """What a limit bounds, in words."""
    described = (meta.description for meta in _metas(name) if meta.description)
    return next(described, _MEANINGS.get(name, "")).removesuffix(", 0: off")


_MEANINGS = {
    "order_share": "largest order",
    "position_share": "largest position in one instrument",
    "gross_share": "largest sum of all positions, times leverage",
    "day_loss_share": "loss in a UTC day that stops entries",
    "drawdown_share": "fall from the highest equity that stops entries",
    "collar_share": "how far from the market a market order may fill, and a price may be from mark and last",
    "limit_band_share": "how far from mark a limit price may be",
    "orders_per_second": "new orders in any second",
    "orders_per_minute": "new orders in any minute",
    "open_orders": "open orders at a time",
    "stale_quote_seconds": "age of prices beyond which nothing is opened",
    "leverage": "largest leverage, and the one set at the exchange",
}


def _metas(name: str) -> list[Meta]:
    return [m for m in getattr(_HINTS[name], "__metadata__", ()) if isinstance(m, Meta)]


def _kind(name: str) -> Any:
    hint = _HINTS[name]
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def parse_scope(scope: str) -> str:
    """The kind of a scope (empty for the account). Raises :class:`Problem` when it is none."""
    kind, colon, name = scope.partition(":")
    if scope and (kind not in SCOPES or not colon or not name):
        rule = "a scope is empty, strategy:NAME, strategy:*, symbol:SYMBOL or group:NAME"
        raise _problem("scope", scope, rule, "name one of these")
    return kind


def parse_change(name: str, text: str, scope: str = "") -> LimitValue:
    """One limit's value from text; ``off`` stands for 0 where 0 switches a limit off.

    Raises :class:`Problem` with field, value, rule and remedy.
    """
    kind = parse_scope(scope)
    if name not in NAMES:
        near = ", ".join(n for n in NAMES if name.split("_")[0] in n) or "see `tradectl risk limits`"
        raise _problem(name, text, "no limit has this name", f"limits with a similar name: {near}")
    if kind and name not in SCOPES[kind]:
        rule = f"a {kind} has no limit of this name"
        raise _problem(name, text, rule, f"for a {kind}: {', '.join(sorted(SCOPES[kind]))}")
    return _value(name, text.strip())


def _value(name: str, text: str) -> LimitValue:
    kind = _kind(name)
    if kind is bool:
        if text.lower() not in _TRUE + _FALSE:
            raise _problem(name, text, "must be true or false", f"{name}=true")
        return text.lower() in _TRUE
    if get_origin(kind) is tuple:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if text.lower() == "off":
        if name not in ZERO_IS_OFF:
            raise _problem(name, text, "this limit cannot be switched off", f"set a number, {_bounds(name)}")
        return Decimal(0) if kind is Decimal else 0
    return _number(name, text, kind is int)


def _number(name: str, text: str, whole: bool) -> Decimal | int:
    rule = f"must be {'a whole number' if whole else 'a decimal number'}{_bounds(name)}"
    try:
        value = parse_amount(text.removesuffix("%"))
    except ValueError:
        value = None
    if value is not None and text.endswith("%"):
        value = value / 100 if not whole and "fraction" in unit_of(name) else None
    if value is None or (whole and value != value.to_integral_value()):
        raise _problem(name, text, rule, f"for example {name}={_example(name)}")
    if any((m.ge is not None and value < m.ge) or (m.le is not None and value > m.le) for m in _metas(name)):
        raise _problem(name, text, rule, f"for example {name}={_example(name)}")
    return int(value) if whole else value


def _bounds(name: str) -> str:
    low = next((m.ge for m in _metas(name) if m.ge is not None), None)
    high = next((m.le for m in _metas(name) if m.le is not None), None)
    if low is None:
        return ""
    return f" from {low} to {high}" if high is not None else f" of at least {low}"


def _example(name: str) -> str:
    return limit_text(next(f.default for f in fields(RiskLimits) if f.name == name))


def limit_text(value: Any) -> str:
    """A limit's value as :func:`parse_change` reads it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return plain(value)
    return ",".join(value) if isinstance(value, tuple) else str(value)
