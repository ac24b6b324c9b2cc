"""Order rows: ``order/realtime``, ``order/history`` and the ``order`` stream (bybit-v5 5.5, 5.6, 8.3)."""

from typing import Any

from tradectl.matching.records import VenueOrder
from tradectl.model.instruments import Category, Instrument
from tradectl.model.money import ZERO, plain
from tradectl.model.orders import OrderType, Protection, Side
from tradectl.sandbox.server.rows.amounts import ms, or_empty, ratio

#: What this sandbox never sets: no iv, block or RPI trades, no groups of accounts.
_UNUSED = {"blockTradeId": "", "orderIv": "", "ocoTriggerBy": "", "placeType": "", "smpGroup": 0}
_LATER_ADDITIONS = {
    "slippageToleranceType": "UNKNOWN", "slippageTolerance": "", "rpiTakerAccess": False, "rpiMatchedQty": "0",
}  # fmt: skip

NO_PROTECTION = Protection()


def order_row(order: VenueOrder, instrument: Instrument) -> dict[str, Any]:
    """The row of ``order/realtime``."""
    spot = instrument.is_spot
    last = or_empty(order.last_price_on_created)
    return (
        _UNUSED
        | _stops(order)
        | {
            "orderId": order.order_id,
            "orderLinkId": order.link_id,
            "symbol": order.instrument.symbol,
            "price": plain(order.price or ZERO),
            "qty": plain(order.qty),
            "side": order.side.value,
            "isLeverage": "0" if spot else "",
            "orderStatus": order.status.value,
            "createType": order.create_type,
            "cancelType": order.cancel_type,
            "rejectReason": order.reject_reason,
            "avgPrice": _average_price(order) if order.cum_qty else "",
            "leavesQty": plain(order.leaves),
            "leavesValue": _leaves_value(order),
            "cumExecQty": plain(order.cum_qty),
            "cumExecValue": plain(order.cum_value),
            "cumExecFee": plain(sum(order.fees.values(), ZERO)),
            "timeInForce": order.time_in_force.value,
            "orderType": order.type.value,
            "marketUnit": _market_unit(order, spot),
            "lastPriceOnCreated": last,
            "basePrice": last if spot else "",
            "reduceOnly": order.reduce_only,
            "closeOnTrigger": order.close_on_trigger,
            "positionIdx": order.position_idx,
            "smpType": order.self_match.value,
            "smpOrderId": order.smp_order_id,
            "createdTime": ms(order.created),
            "updatedTime": ms(order.updated),
            "cumFeeDetail": {coin: plain(fee) for coin, fee in order.fees.items()},
        }
    )


def _leaves_value(order: VenueOrder) -> str:
    """What is left at the order's price: in quote coin, of an inverse contract in base coin."""
    if order.quote_qty:
        return plain(order.leaves)
    if order.instrument.category is Category.INVERSE:
        return ratio(order.leaves, order.price or ZERO)
    return plain(order.leaves * (order.price or ZERO))


def _average_price(order: VenueOrder) -> str:
    if order.instrument.category is Category.INVERSE:
        return ratio(order.cum_qty, order.cum_value)
    return ratio(order.cum_value, order.cum_qty)


def _stops(order: VenueOrder) -> dict[str, Any]:
    """What makes the order conditional, and what is attached to it."""
    trigger, protection = order.trigger, order.protection or NO_PROTECTION
    has_tp, has_sl = protection.take_profit is not None, protection.stop_loss is not None
    return {
        "parentOrderLinkId": order.parent_link,
        "stopOrderType": order.stop_order_type,
        "triggerPrice": "" if trigger is None else plain(trigger.price),
        "triggerDirection": 0 if trigger is None else trigger.direction,
        "triggerBy": "" if trigger is None else trigger.by.value,
        "takeProfit": or_empty(protection.take_profit),
        "stopLoss": or_empty(protection.stop_loss),
        "tpslMode": ("Partial" if protection.partial else "Full") if has_tp or has_sl else "",
        "tpLimitPrice": or_empty(protection.tp_limit),
        "slLimitPrice": or_empty(protection.sl_limit),
        "tpTriggerBy": protection.tp_by.value if has_tp else "",
        "slTriggerBy": protection.sl_by.value if has_sl else "",
    }


def history_row(order: VenueOrder, instrument: Instrument) -> dict[str, Any]:
    """The row of ``order/history``."""
    return order_row(order, instrument) | _LATER_ADDITIONS | {"extraFees": ""}


def order_message_row(order: VenueOrder, instrument: Instrument) -> dict[str, Any]:
    """The row of the ``order`` stream."""
    row = order_row(order, instrument) | _LATER_ADDITIONS
    del row["basePrice"]
    return row | {
        "category": order.instrument.category.value,
        "closedPnl": "0",
        "feeCurrency": next(iter(order.fees), _fee_coin(order, instrument)),
    }


def _market_unit(order: VenueOrder, spot: bool) -> str:
    if not spot or order.type is not OrderType.MARKET:
        return ""
    return "quoteCoin" if order.quote_qty else "baseCoin"


def _fee_coin(order: VenueOrder, instrument: Instrument) -> str:
    if not instrument.is_spot:
        return instrument.settle_coin
    return instrument.base_coin if order.side is Side.BUY else instrument.quote_coin
