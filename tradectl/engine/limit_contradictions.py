"""Limits that cannot all be meant: a part above its whole, a scope wider than the account; in sentences."""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec.structs import fields

from tradectl.engine.limit_rules import limit_text, parse_scope
from tradectl.engine.risk_limits import SCOPES, ZERO_IS_OFF, RiskLimits, ScopeLimits
from tradectl.model.errors import ErrorCode, Problem

#: The smaller one may not be set above the greater one.
_ORDER: tuple[tuple[str, str], ...] = (
    ("order_share", "position_share"), ("position_share", "gross_share"), ("net_share", "gross_share"),
    ("order_value", "position_value"), ("position_value", "gross_value"), ("day_realised_share", "day_loss_share"),
    ("day_loss_share", "drawdown_share"), ("orders_per_second", "orders_per_minute"),
    ("amends_per_second", "amends_per_minute"), ("collar_share", "limit_band_share"),
)  # fmt: skip
#: What a scope may not set wider than the account; the rest of its limits is measured in another way.
_NO_WIDER = frozenset(
    {
        "order_share", "order_value", "position_share", "position_value", "gross_share", "gross_value", "net_share",
        "collar_share", "limit_band_share", "leverage", "open_orders", "orders_per_second", "orders_per_minute",
        "amends_per_second", "amends_per_minute", "repeat_orders", "funding_share", "drawdown_share",
        "day_realised_share", "day_loss_share",
    }
)  # fmt: skip


def contradictions(
    limits: RiskLimits,
    scoped: Mapping[str, ScopeLimits] | None = None,
    groups: Mapping[str, Iterable[str]] | None = None,
) -> list[str]:
    """Sentences, each naming two limits that cannot both be meant; empty when all agree."""
    found = _between(limits)
    for scope, own in (scoped or {}).items():
        found += [f"{scope}: {text}" for text in _between(own)]
        found += _wider(scope, own, limits)
        found += _misplaced(scope, own, groups or {})
    return found


def _between(limits: RiskLimits | ScopeLimits) -> list[str]:
    found = []
    for less, more in _ORDER:
        one: Any = getattr(limits, less, None)
        other: Any = getattr(limits, more, None)
        if _is_set(less, one) and _is_set(more, other) and one > other:
            found.append(
                f"{less} {limit_text(one)} is above {more} {limit_text(other)}: lower the first or raise the second"
            )
    return found


def _wider(scope: str, own: ScopeLimits, account: RiskLimits) -> list[str]:
    found = []
    for name in sorted(_NO_WIDER):
        one: Any = getattr(own, name)
        other: Any = getattr(account, name)
        if _is_set(name, one) and _is_set(name, other) and one > other:
            text = f"{name} {limit_text(one)} of {scope} is above the account's {name} {limit_text(other)}"
            found.append(f"{text}: a scope may only narrow")
    return found


def _misplaced(scope: str, own: ScopeLimits, groups: Mapping[str, Iterable[str]]) -> list[str]:
    try:
        kind = parse_scope(scope)
    except Problem as problem:
        return [str(problem)]
    if not kind:
        return ["the scope '' is the account: its limits stand in [risk]"]
    name = scope.partition(":")[2]
    found = [f"{scope} has no members: name its symbols under groups"] if kind == "group" and name not in groups else []
    stray = [f.name for f in fields(own) if getattr(own, f.name) is not None and f.name not in SCOPES[kind]]
    return found + [f"{scope}: {limit} is no limit of a {kind}" for limit in stray]


def _is_set(name: str, value: Any) -> bool:
    return value is not None and not (name in ZERO_IS_OFF and not value)


def require_consistent(
    limits: RiskLimits, scoped: Mapping[str, ScopeLimits], groups: Mapping[str, Iterable[str]]
) -> None:
    """Raises :class:`Problem` with the contradictions, when there are any."""
    found = contradictions(limits, scoped, groups)
    if found:
        raise Problem(
            ErrorCode.INVALID_SETTING, "the risk limits contradict each other: " + "; ".join(found), field="risk",
            reason=found[0], remedy="correct one of the two in [risk]; tradectl risk limits shows all",
        )  # fmt: skip
