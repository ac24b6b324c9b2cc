"""From wire rows to orders and executions: exact amounts, our words. Raises ``ValueError`` on nonsense."""

from collections.abc import Callable
from decimal import Decimal

from tradectl.exchange.bybit.translate import nanoseconds, not_negative, or_none, positive, side_of, word
from tradectl.exchange.bybit.wire import ExecutionRow, OrderRow, Text
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.money import amount_or_zero, parse_amount
from tradectl.model.orders import (
    Execution,
    OrderReport,
    OrderStatus,
    OrderType,
    Protection,
    Side,
    TimeInForce,
    Trigger,
    TriggerBy,
)

#: Words of the venue that our vocabulary says otherwise: ``Created`` is seen by other clients (bybit-v5 5.12), ``RPI``
#: is a post-only order for retail takers (bybit-v5 5.1).
_STATUS = {s.value: s for s in OrderStatus} | {"Created": OrderStatus.ACCEPTED}
_TIME_IN_FORCE = {t.value: t for t in TimeInForce} | {"RPI": TimeInForce.POST_ONLY, "": TimeInForce.GTC}
_TRIGGER_BY = {by.value: by for by in TriggerBy}
#: ``triggerDirection`` (bybit-v5 5.1).
_RISES, _FALLS = 1, 2

#: Names the coin a fee was paid in when the row does not.
FeeCoin = Callable[[InstrumentId, Side, Decimal, bool], str]


def order_report(row: OrderRow, category: Category) -> OrderReport:
    """An order row as our report. Raises ``ValueError`` on a status, side or amount that makes no sense."""
    status = _STATUS.get(row.orderStatus)
    if status is None:
        raise ValueError(f"order status {row.orderStatus!r} is unknown")
    trigger_price = or_none(not_negative("triggerPrice", row.triggerPrice))
    price = not_negative("price", row.price)
    kind = OrderType.MARKET if row.orderType == "Market" else OrderType.LIMIT
    return OrderReport(
        instrument=InstrumentId(category, row.symbol),
        order_id=row.orderId,
        link_id=row.orderLinkId or "",
        side=side_of(row.side),
        type=kind,
        time_in_force=_TIME_IN_FORCE.get(row.timeInForce or "", TimeInForce.GTC),
        qty=not_negative("qty", row.qty),
        price=or_none(price),
        status=status,
        cum_qty=not_negative("cumExecQty", row.cumExecQty),
        cum_value=not_negative("cumExecValue", row.cumExecValue),
        avg_price=or_none(not_negative("avgPrice", row.avgPrice)),
        updated=nanoseconds(row.updatedTime),
        created=nanoseconds(row.createdTime),
        reduce_only=row.reduceOnly,
        cancel_type=word(row.cancelType),
        reject_reason="" if row.rejectReason == "EC_NoError" else row.rejectReason or "",
        stop_order_type=word(row.stopOrderType),
        trigger_price=trigger_price,
        trigger=_trigger(row, trigger_price),
        close_on_trigger=row.closeOnTrigger,
        protection=_protection(row, category),
        position_idx=row.positionIdx or 0,
        parent_link=row.parentOrderLinkId or "",
        create_type=word(row.createType),
    )


def _trigger(row: OrderRow, price: Decimal | None) -> Trigger | None:
    """What fires a conditional order. Spot rows state no direction: it follows from the price when the order came."""
    if price is None:
        return None
    rises = row.triggerDirection == _RISES
    if row.triggerDirection not in (_RISES, _FALLS):
        then = amount_or_zero(row.lastPriceOnCreated) or amount_or_zero(row.basePrice)
        if not then:
            return None
        rises = price > then
    return Trigger(price, rises, _trigger_by(row.triggerBy))


def _protection(row: OrderRow, category: Category) -> Protection | None:
    """The take-profit and stop-loss attached to an order; those of spot are always its own (bybit-v5 5.1)."""
    take_profit = or_none(not_negative("takeProfit", row.takeProfit))
    stop_loss = or_none(not_negative("stopLoss", row.stopLoss))
    if take_profit is None and stop_loss is None:
        return None
    return Protection(
        take_profit=take_profit,
        stop_loss=stop_loss,
        tp_by=_trigger_by(row.tpTriggerBy),
        sl_by=_trigger_by(row.slTriggerBy),
        tp_limit=or_none(not_negative("tpLimitPrice", row.tpLimitPrice)),
        sl_limit=or_none(not_negative("slLimitPrice", row.slLimitPrice)),
        partial=category is Category.SPOT or row.tpslMode == "Partial",
    )


def _trigger_by(text: Text) -> TriggerBy:
    """The venue's default is the last price, and it writes ``""`` or ``UNKNOWN`` for it."""
    return _TRIGGER_BY.get(text or "", TriggerBy.LAST)


def execution(row: ExecutionRow, category: Category, fee_coin: FeeCoin) -> Execution:
    """An execution row as ours. Funding rows state a price and size too, so all types are checked alike."""
    instrument = InstrumentId(category, row.symbol)
    side, fee = side_of(row.side), amount_or_zero(row.execFee)
    price, qty = positive("execPrice", row.execPrice), positive("execQty", row.execQty)
    value = parse_amount(row.execValue)
    if value is None:
        value = qty / price if category is Category.INVERSE else price * qty
    return Execution(
        exec_id=row.execId,
        instrument=instrument,
        order_id=row.orderId,
        link_id=row.orderLinkId or "",
        side=side,
        price=price,
        qty=qty,
        value=value,
        fee=fee,
        fee_coin=row.feeCurrency or fee_coin(instrument, side, fee, row.isMaker),
        is_maker=row.isMaker,
        ts=nanoseconds(row.execTime),
        type=row.execType,
        closed_qty=not_negative("closedSize", row.closedSize),
        pnl=parse_amount(row.execPnl),
        fee_rate=amount_or_zero(row.feeRate),
        stop_order_type=word(row.stopOrderType),
        create_type=word(row.createType),
    )
