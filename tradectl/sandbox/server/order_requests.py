"""Order requests read from wire objects: every parameter of bybit-v5 5.1-5.4 is understood or refused, never ignored.

What this sandbox does not offer (best-bid-offer prices, slippage tolerance, implied volatility, market-maker
protection, borrowing) is refused with 10001 naming the parameter.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from tradectl.matching.records import NewOrder, Refused, StopChange
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.orders import OrderType, SelfMatch, Side, TimeInForce, Trigger
from tradectl.sandbox.server import params as wire
from tradectl.sandbox.server.params import bad
from tradectl.sandbox.server.protection_requests import parse_protection, trigger_by, trigger_by_or_none
from tradectl.sandbox.server.slippage import check_slippage

_NOT_OFFERED = ("bboSideType", "bboLevel", "orderIv", "trailingStop")
_TIMES_IN_FORCE = tuple(member.value for member in TimeInForce)
_SELF_MATCHES = tuple(member.value for member in SelfMatch)
#: Kinds of orders on spot: tpslOrder holds its funds at once, StopOrder when it fires.
CONDITIONAL_FILTERS = ("StopOrder", "tpslOrder")


class Amendment(msgspec.Struct, frozen=True):
    """What an amend request changes; ``stops`` is ``None`` when it names no trigger, TP or SL."""

    qty: Decimal | None
    price: Decimal | None
    stops: StopChange | None


def _refuse_not_offered(body: Mapping[str, Any]) -> None:
    for name in _NOT_OFFERED:
        if wire.text(body, name) not in ("", "0"):
            raise bad(f"params error: {name} is not offered by this sandbox")
    if wire.flag(body, "mmp"):
        raise bad("params error: mmp is not offered by this sandbox")
    if wire.small_number(body, "isLeverage") != 0:
        raise bad("params error: isLeverage is not offered by this sandbox")


def instrument_of(category: str, body: Mapping[str, Any]) -> InstrumentId:
    """Category and upper-case symbol; whether it exists is the exchange's to say."""
    return InstrumentId(Category(category), wire.required(body, "symbol"))


def parse_create(category: str, body: Mapping[str, Any]) -> NewOrder:
    """The order of a create request. Raises ``Refused`` 10001 (or a code of its own) naming the parameter."""
    _refuse_not_offered(body)
    instrument = instrument_of(category, body)
    side = Side(wire.one_of(body, "side", ("Buy", "Sell")))
    type = OrderType(wire.one_of(body, "orderType", ("Market", "Limit")))
    qty, price = wire.amount(body, "qty"), wire.amount(body, "price")
    if qty is None:
        raise bad("params error: qty is required")
    if type is OrderType.LIMIT and price is None:
        raise bad("params error: price is required")
    time_in_force = TimeInForce(wire.one_of(body, "timeInForce", _TIMES_IN_FORCE, default="GTC"))
    link_id = wire.link_id(body)
    if category == "option" and not link_id:
        raise bad("params error: orderLinkId is required")
    order_filter = parse_filter(category, body)
    trigger = _trigger(category, body, order_filter)
    protection = parse_protection(category, body)
    check_slippage(body, type, plain=trigger is None and protection is None)
    return NewOrder(
        instrument=instrument,
        side=side,
        type=type,
        qty=qty,
        price=price if type is OrderType.LIMIT else None,
        time_in_force=TimeInForce.IOC if type is OrderType.MARKET else time_in_force,
        reduce_only=_derivative_flag(category, body, "reduceOnly", qty),
        quote_qty=_is_quote_qty(category, body, side, type),
        link_id=link_id,
        trigger=trigger,
        close_on_trigger=_derivative_flag(category, body, "closeOnTrigger", qty),
        protection=protection,
        position_idx=parse_position_idx(category, body),
        self_match=SelfMatch(wire.one_of(body, "smpType", _SELF_MATCHES, default="None")),
        order_filter=order_filter,
    )


def parse_position_idx(category: str, body: Mapping[str, Any]) -> int:
    """``positionIdx`` 0, 1 or 2; spot knows none. Whether it fits the mode is the exchange's to say."""
    index = wire.small_number(body, "positionIdx")
    if index not in (0, 1, 2) or (index and category in ("spot", "option")):
        raise bad("position idx not match position mode")
    return index


def parse_filter(category: str, body: Mapping[str, Any]) -> str:
    """``orderFilter`` of a create or cancel request: a choice on spot, 170201 for another word.

    A derivative is conditional by its trigger alone; the word may be given if it says the same.
    """
    value = wire.text(body, "orderFilter")
    if category == "spot":
        if value not in ("", "Order", *CONDITIONAL_FILTERS):
            raise Refused(170201, f"params error: orderFilter invalid: {value[:40]}")
        return value or "Order"
    if value not in ("", "Order", "StopOrder"):
        raise bad(f"params error: orderFilter invalid: {value[:40]}")
    if value == "StopOrder" and "side" in body and wire.amount(body, "triggerPrice") is None:
        raise bad("params error: triggerPrice is required with orderFilter StopOrder")
    return "Order"


def _trigger(category: str, body: Mapping[str, Any], order_filter: str) -> Trigger | None:
    """What makes the order conditional; ``triggerDirection`` is required on derivatives and unknown on spot."""
    price = wire.amount(body, "triggerPrice")
    direction = wire.small_number(body, "triggerDirection")
    by = trigger_by(body, "triggerBy")
    if direction not in (0, 1, 2):
        raise bad(f"params error: triggerDirection invalid: {direction}, 1 rises or 2 falls")
    if not price:
        if order_filter != "Order":
            raise bad(f"params error: triggerPrice is required with orderFilter {order_filter}")
        if direction:
            raise bad("params error: triggerDirection needs triggerPrice")
        return None
    if category == "spot":
        if order_filter == "Order":
            raise bad("params error: triggerPrice of a spot order needs orderFilter StopOrder or tpslOrder")
        return Trigger(price, direction != 2)
    if category == "option":
        raise bad("params error: triggerPrice is not offered on options")
    if not direction:
        raise bad("params error: triggerDirection is required with triggerPrice")
    return Trigger(price, direction == 1, by)


def _derivative_flag(category: str, body: Mapping[str, Any], name: str, qty: Decimal) -> bool:
    """``reduceOnly`` or ``closeOnTrigger``; quantity 0, which closes everything, needs both (bybit-v5 5.1)."""
    value = wire.flag(body, name)
    if value and category == "spot" and name == "closeOnTrigger":
        raise bad(f"params error: {name} is not allowed on spot")
    if category != "spot" and not qty and not value:
        raise bad("params error: qty 0 needs reduceOnly and closeOnTrigger")
    return value


def _is_quote_qty(category: str, body: Mapping[str, Any], side: Side, type: OrderType) -> bool:
    """A spot market buy is by quote amount unless ``marketUnit`` says otherwise (bybit-v5 9)."""
    unit = wire.one_of(body, "marketUnit", ("baseCoin", "quoteCoin"), default="")
    if category != "spot" or type is not OrderType.MARKET:
        return False
    if side is Side.SELL and unit == "quoteCoin":
        raise bad("params error: marketUnit quoteCoin of a sell is not offered by this sandbox")
    return side is Side.BUY and unit != "baseCoin"


def parse_ids(body: Mapping[str, Any]) -> tuple[str, str]:
    """``orderId`` and ``orderLinkId``, one of them given; when both are, the order id wins."""
    order_id, link_id = wire.text(body, "orderId"), wire.link_id(body)
    if not order_id and not link_id:
        raise bad("params error: orderId or orderLinkId is required")
    return order_id, "" if order_id else link_id


def parse_amendment(body: Mapping[str, Any]) -> Amendment:
    """What an amend request changes. Raises ``Refused`` 10001 naming the parameter, or when nothing is named."""
    if wire.text(body, "orderIv") not in ("", "0"):
        raise bad("params error: orderIv is not offered by this sandbox")
    wire.one_of(body, "tpslMode", ("Full", "Partial"), default="")
    stops = StopChange(
        trigger_price=wire.amount(body, "triggerPrice"),
        trigger_by=trigger_by_or_none(body, "triggerBy"),
        take_profit=wire.amount(body, "takeProfit"),
        stop_loss=wire.amount(body, "stopLoss"),
        tp_by=trigger_by_or_none(body, "tpTriggerBy"),
        sl_by=trigger_by_or_none(body, "slTriggerBy"),
        tp_limit=wire.amount(body, "tpLimitPrice"),
        sl_limit=wire.amount(body, "slLimitPrice"),
    )
    if stops.trigger_price == 0:
        raise bad("params error: triggerPrice 0 cannot be removed, cancel the order instead")
    qty, price = wire.amount(body, "qty"), wire.amount(body, "price")
    has_stops = stops != StopChange()
    if qty is None and price is None and not has_stops:
        raise bad("params error: nothing to amend, give qty, price, triggerPrice, takeProfit or stopLoss")
    return Amendment(qty, price, stops if has_stops else None)
