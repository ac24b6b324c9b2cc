"""Order requests read from wire objects: every parameter of bybit-v5 5.1-5.4 is understood or refused, never ignored.

What this sandbox does not offer (conditional orders, take profit and stop loss, hedge mode, self-match prevention,
best-bid-offer prices, borrowing) is refused with 10001 naming the parameter.
"""

from collections.abc import Mapping
from typing import Any

from tradectl.matching.records import NewOrder
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.orders import OrderType, Side, TimeInForce
from tradectl.sandbox.server import params as wire
from tradectl.sandbox.server.params import bad

_NOT_OFFERED = (
    "triggerPrice", "takeProfit", "stopLoss", "tpLimitPrice", "slLimitPrice", "bboSideType", "bboLevel", "orderIv",
    "slippageToleranceType", "slippageTolerance", "trailingStop",
)  # fmt: skip
_TIMES_IN_FORCE = tuple(member.value for member in TimeInForce)


def _refuse_not_offered(body: Mapping[str, Any]) -> None:
    for name in _NOT_OFFERED:
        if wire.text(body, name) not in ("", "0"):
            raise bad(f"params error: {name} is not offered by this sandbox")
    if wire.text(body, "smpType") not in ("", "None"):
        raise bad("params error: smpType is not offered by this sandbox")
    for name in ("closeOnTrigger", "mmp"):
        if wire.flag(body, name):
            raise bad(f"params error: {name} is not offered by this sandbox")
    if wire.small_number(body, "positionIdx") != 0:
        raise bad("position idx not match position mode")
    if wire.small_number(body, "isLeverage") != 0:
        raise bad("params error: isLeverage is not offered by this sandbox")
    if wire.text(body, "orderFilter") not in ("", "Order"):
        raise bad("params error: orderFilter is not offered by this sandbox")


def instrument_of(category: str, body: Mapping[str, Any]) -> InstrumentId:
    """Category and upper-case symbol; whether it exists is the exchange's to say."""
    return InstrumentId(Category(category), wire.required(body, "symbol"))


def parse_create(category: str, body: Mapping[str, Any]) -> NewOrder:
    """The order of a create request. Raises ``Refused`` 10001 naming the parameter."""
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
    return NewOrder(
        instrument=instrument,
        side=side,
        type=type,
        qty=qty,
        price=price if type is OrderType.LIMIT else None,
        time_in_force=TimeInForce.IOC if type is OrderType.MARKET else time_in_force,
        reduce_only=wire.flag(body, "reduceOnly"),
        quote_qty=_is_quote_qty(category, body, side, type),
        link_id=link_id,
    )


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
