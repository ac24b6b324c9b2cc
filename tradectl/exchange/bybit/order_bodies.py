"""Orders, amendments, cancels and stops as the venue's request bodies (bybit-v5 5.1 to 5.3, 6.4).

Amounts are written plainly, as strings. What may be combined with what is judged by risk and by the venue, not here.
"""

from typing import Any

from tradectl.model.commands import Amendment, CancelOrder
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.money import plain
from tradectl.model.orders import OrderSpec, OrderType, Protection, SelfMatch, TradingStop, Trigger

Body = dict[str, Any]
#: Where a position has a side of its own in hedge mode, and where triggers may follow mark and index.
_FUTURES = frozenset({Category.LINEAR, Category.INVERSE})


def create_body(order: OrderSpec) -> Body:
    """The body of ``order/create``."""
    category = order.instrument.category
    body = _instrument(order.instrument)
    body["side"] = order.side.value
    body["orderType"] = order.type.value
    body["qty"] = plain(order.qty)
    if order.type is OrderType.LIMIT and order.price is not None:
        body["price"] = plain(order.price)
    # The venue turns every market order into IOC (bybit-v5 5.1).
    body["timeInForce"] = "IOC" if order.type is OrderType.MARKET else order.time_in_force.value
    body["orderLinkId"] = order.link_id
    if category is Category.SPOT:
        if order.type is OrderType.MARKET:
            body["marketUnit"] = "quoteCoin" if order.quote_qty else "baseCoin"
    else:
        body["reduceOnly"] = order.reduce_only
    if category in _FUTURES:
        body["positionIdx"] = order.position_idx
        if order.close_on_trigger:
            body["closeOnTrigger"] = True
    if order.trigger is not None:
        body.update(_trigger(order.trigger, category))
    if order.protection is not None:
        body.update(_protection(order.protection, category))
    if order.self_match is not SelfMatch.NONE:
        body["smpType"] = order.self_match.value
    return body


def _trigger(trigger: Trigger, category: Category) -> Body:
    """Spot follows the last price and knows the side by itself; it wants to be told that the order waits unfunded."""
    price = {"triggerPrice": plain(trigger.price)}
    if category is Category.SPOT:
        return {**price, "orderFilter": "StopOrder"}
    return {**price, "triggerDirection": trigger.direction, "triggerBy": trigger.by.value}


def _protection(wanted: Protection, category: Category) -> Body:
    body: Body = {}
    if wanted.take_profit is not None:
        body["takeProfit"] = plain(wanted.take_profit)
        body["tpOrderType"] = "Market" if wanted.tp_limit is None else "Limit"
    if wanted.stop_loss is not None:
        body["stopLoss"] = plain(wanted.stop_loss)
        body["slOrderType"] = "Market" if wanted.sl_limit is None else "Limit"
    if wanted.take_profit is not None and wanted.tp_limit is not None:
        body["tpLimitPrice"] = plain(wanted.tp_limit)
    if wanted.stop_loss is not None and wanted.sl_limit is not None:
        body["slLimitPrice"] = plain(wanted.sl_limit)
    if category in _FUTURES:
        body["tpslMode"] = "Partial" if wanted.partial else "Full"
        if wanted.take_profit is not None:
            body["tpTriggerBy"] = wanted.tp_by.value
        if wanted.stop_loss is not None:
            body["slTriggerBy"] = wanted.sl_by.value
    return body


def amend_body(amendment: Amendment) -> Body:
    """The body of ``order/amend``: only what changes; a stop of 0 is written ``"0"``, which removes it."""
    body = _named(amendment.instrument, amendment.link_id, amendment.order_id)
    changes = {
        "qty": amendment.qty,
        "price": amendment.price,
        "triggerPrice": amendment.trigger_price,
        "takeProfit": amendment.take_profit,
        "stopLoss": amendment.stop_loss,
    }
    body.update({name: plain(value) for name, value in changes.items() if value is not None})
    return body


def cancel_body(command: CancelOrder) -> Body:
    """The body of ``order/cancel``: spot finds an order that waits for a trigger only when told where to look.

    One that carries an id of ours was placed as ``StopOrder``; one that does not is a stop the venue attached.
    """
    body = _named(command.instrument, command.link_id, command.order_id)
    if command.conditional and command.instrument.category is Category.SPOT:
        body["orderFilter"] = "StopOrder" if "orderLinkId" in body else "tpslOrder"
    return body


def stop_body(stop: TradingStop) -> Body:
    """The body of ``position/trading-stop``: ``Full`` edits what the position has, only ``Partial`` would add."""
    body = {**_instrument(stop.instrument), "tpslMode": "Full", "positionIdx": stop.position_idx}
    changes = {
        "takeProfit": stop.take_profit,
        "stopLoss": stop.stop_loss,
        "trailingStop": stop.trailing,
        "activePrice": stop.active_price,
    }
    body.update({name: plain(value) for name, value in changes.items() if value is not None})
    if stop.take_profit is not None:
        body["tpTriggerBy"] = stop.tp_by.value
    if stop.stop_loss is not None:
        body["slTriggerBy"] = stop.sl_by.value
    return body


def _named(instrument: InstrumentId, link_id: str, order_id: str) -> Body:
    """The order by our own id. One that has none, foreign or a stop the venue attached, is known to us by the venue's,
    which then stands in both places."""
    body = _instrument(instrument)
    if link_id and link_id != order_id:
        body["orderLinkId"] = link_id
    else:
        body["orderId"] = order_id
    return body


def _instrument(instrument: InstrumentId) -> Body:
    return {"category": instrument.category.value, "symbol": instrument.symbol}
