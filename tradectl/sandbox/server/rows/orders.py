"""Order rows: ``order/realtime``, ``order/history`` and the ``order`` stream (bybit-v5 5.5, 5.6, 8.3)."""

from typing import Any

from tradectl.matching.records import VenueOrder
from tradectl.model.instruments import Instrument
from tradectl.model.money import ZERO, plain
from tradectl.model.orders import OrderType, Side
from tradectl.sandbox.server.rows.amounts import ms, or_empty, ratio

#: What this sandbox never sets: no conditional orders, take profit, stop loss, iv, block or RPI trades.
_UNUSED = {
    "parentOrderLinkId": "", "blockTradeId": "", "stopOrderType": "", "orderIv": "", "triggerPrice": "",
    "takeProfit": "", "stopLoss": "", "ocoTriggerBy": "", "tpLimitPrice": "", "slLimitPrice": "", "tpTriggerBy": "",
    "slTriggerBy": "", "triggerDirection": 0, "triggerBy": "", "closeOnTrigger": False, "placeType": "",
    "smpType": "None", "smpGroup": 0, "smpOrderId": "", "positionIdx": 0, "tpslMode": "",
}  # fmt: skip
_LATER_ADDITIONS = {
    "slippageToleranceType": "UNKNOWN", "slippageTolerance": "", "rpiTakerAccess": False, "rpiMatchedQty": "0",
}  # fmt: skip


def order_row(order: VenueOrder, instrument: Instrument) -> dict[str, Any]:
    """The row of ``order/realtime``."""
    spot = instrument.is_spot
    last = or_empty(order.last_price_on_created)
    return _UNUSED | {
        "orderId": order.order_id,
        "orderLinkId": order.link_id,
        "symbol": order.instrument.symbol,
        "price": plain(order.price or ZERO),
        "qty": plain(order.qty),
        "side": order.side.value,
        "isLeverage": "0" if spot else "",
        "orderStatus": order.status.value,
        "createType": "CreateByUser",
        "cancelType": order.cancel_type,
        "rejectReason": order.reject_reason,
        "avgPrice": ratio(order.cum_value, order.cum_qty) if order.cum_qty else "",
        "leavesQty": plain(order.leaves),
        "leavesValue": plain(order.leaves if order.quote_qty else order.leaves * (order.price or ZERO)),
        "cumExecQty": plain(order.cum_qty),
        "cumExecValue": plain(order.cum_value),
        "cumExecFee": plain(sum(order.fees.values(), ZERO)),
        "timeInForce": order.time_in_force.value,
        "orderType": order.type.value,
        "marketUnit": _market_unit(order, spot),
        "lastPriceOnCreated": last,
        "basePrice": last if spot else "",
        "reduceOnly": order.reduce_only,
        "createdTime": ms(order.created),
        "updatedTime": ms(order.updated),
        "cumFeeDetail": {coin: plain(fee) for coin, fee in order.fees.items()},
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
