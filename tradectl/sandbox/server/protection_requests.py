"""Take-profit and stop-loss parameters read from wire objects: of an order, an amendment, a position
(bybit-v5 5.1, 5.2, 6.4).

An illegal combination is refused with 10001 naming the parameter. Absent, ``""`` and, in an order, ``"0"`` are "none".
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tradectl.model.orders import Protection, TriggerBy
from tradectl.sandbox.server import params as wire
from tradectl.sandbox.server.params import bad

TRIGGERS = tuple(member.value for member in TriggerBy)
#: Each leg's parameters on the wire: trigger price, price type, order type, limit price.
LEGS = {
    "tp": ("takeProfit", "tpTriggerBy", "tpOrderType", "tpLimitPrice"),
    "sl": ("stopLoss", "slTriggerBy", "slOrderType", "slLimitPrice"),
}

_Body = Mapping[str, Any]


def trigger_by(body: _Body, name: str) -> TriggerBy:
    """A price type; absent is the last price."""
    return TriggerBy(wire.one_of(body, name, TRIGGERS, default=TriggerBy.LAST.value))


def trigger_by_or_none(body: _Body, name: str) -> TriggerBy | None:
    """A price type, ``None`` when absent."""
    value = wire.one_of(body, name, TRIGGERS, default="")
    return TriggerBy(value) if value else None


def given(body: _Body, name: str) -> Decimal | None:
    """An amount; absent and 0 are ``None``."""
    return wire.amount(body, name) or None


def limit_of(body: _Body, leg: str, *, partial: bool) -> Decimal | None:
    """The limit price of a leg: given exactly with the order type Limit, and in mode Partial alone."""
    price_name, _, type_name, limit_name = LEGS[leg]
    limit = given(body, limit_name)
    is_limit = wire.one_of(body, type_name, ("Market", "Limit"), default="Market") == "Limit"
    if is_limit and limit is None:
        raise bad(f"params error: {limit_name} is required with {type_name} Limit")
    if limit is None:
        return None
    if not is_limit:
        raise bad(f"params error: {limit_name} needs {type_name} Limit")
    if not partial:
        raise bad(f"params error: {limit_name} needs tpslMode Partial")
    if given(body, price_name) is None:
        raise bad(f"params error: {limit_name} needs {price_name}")
    return limit


def parse_protection(category: str, body: _Body) -> Protection | None:
    """What a create request attaches, ``None`` for nothing.

    On spot the pair is sized by the order, as Partial is on derivatives; there the default mode is Full.
    """
    mode = wire.one_of(body, "tpslMode", ("Full", "Partial"), default="Full")
    partial = category == "spot" or mode == "Partial"
    protection = Protection(
        take_profit=given(body, "takeProfit"),
        stop_loss=given(body, "stopLoss"),
        tp_by=trigger_by(body, "tpTriggerBy"),
        sl_by=trigger_by(body, "slTriggerBy"),
        tp_limit=limit_of(body, "tp", partial=partial),
        sl_limit=limit_of(body, "sl", partial=partial),
        partial=partial,
    )
    if protection.take_profit is None and protection.stop_loss is None:
        return None
    _check_bearer(category, body, "stopLoss" if protection.take_profit is None else "takeProfit")
    return protection


def _check_bearer(category: str, body: _Body, name: str) -> None:
    """Which orders may carry a TP or SL, ``name`` being the one given."""
    if wire.flag(body, "reduceOnly"):
        raise bad(f"params error: {name} is not allowed on a reduceOnly order")
    if category == "option":
        raise bad(f"params error: {name} is not offered on options by this sandbox")
    if category == "spot" and wire.text(body, "orderType") != "Limit":
        raise bad(f"params error: {name} of a spot order needs orderType Limit")
    if category == "spot" and wire.text(body, "orderFilter") not in ("", "Order"):
        raise bad(f"params error: {name} is not allowed with orderFilter {wire.text(body, 'orderFilter')}")
