"""Whether an open order can be changed as asked (bybit-v5 5.2): everything the venue would refuse."""

from decimal import Decimal

from msgspec import Struct

from tradectl.engine.market_state import MarketState
from tradectl.engine.order_fields import check_level, check_side, check_trigger
from tradectl.engine.order_state import Order
from tradectl.model.commands import Check
from tradectl.model.instruments import Instrument
from tradectl.model.money import plain
from tradectl.model.orders import OrderStatus, OrderType, Side, Trigger


class Change(Struct, frozen=True):
    """What is to change of an order; ``None`` leaves it, 0 removes an attached stop."""

    qty: Decimal | None = None
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None

    @property
    def is_empty(self) -> bool:
        return all(v is None for v in (self.qty, self.price, self.trigger_price, self.take_profit, self.stop_loss))


def check_change(order: Order, change: Change, info: Instrument, market: MarketState) -> Check:
    """The verdict on an amendment, with the first rule it breaks."""
    failed = _state(order) or _fields(order, change) or _prices(order, change, info, market)
    return failed or Check("amend", True, f"> {plain(order.filled)}", plain(change.qty or order.qty))


def _refuse(rule: str, value: object, reason: str) -> Check:
    return Check("amend", False, rule, plain(value) if isinstance(value, Decimal) else str(value), reason)


def _state(order: Order) -> Check | None:
    if order.is_open and not order.cancel_asked:
        return None
    state = "being cancelled" if order.is_open else order.status.value
    return _refuse("open", state, f"order {order.link_id} is {state}")


def _fields(order: Order, change: Change) -> Check | None:
    attached = change.take_profit if change.take_profit is not None else change.stop_loss
    if change.is_empty:
        return _refuse("a change", "none", "neither quantity nor price is to change")
    if change.price is not None and order.spec.type is OrderType.MARKET:
        return _refuse("no price", change.price, "a market order has no price to change")
    if change.qty is not None and change.qty <= order.filled:
        return _refuse(f"> {plain(order.filled)}", change.qty, f"{plain(order.filled)} is filled already")
    if change.trigger_price is not None and order.spec.trigger is None:
        return _refuse("no trigger", change.trigger_price, "the order has no trigger to change; place a new one")
    if change.trigger_price is not None and not order.is_dormant:
        return _refuse("untriggered", order.status.value, "the order was triggered already: change its price instead")
    if attached is not None and order.protective:
        return _refuse("an entry", attached, "a reduce-only order carries no stops; change its trigger, or use protect")
    if attached is not None and order.filled:
        reason = "the stops of a partly filled order are orders of their own; change those, or use protect"
        return _refuse("unfilled", order.status.value, reason)
    return None


def _prices(order: Order, change: Change, info: Instrument, market: MarketState) -> Check | None:
    trigger = order.spec.trigger
    if change.trigger_price is not None and trigger is not None:
        failed = check_trigger(Trigger(change.trigger_price, trigger.rises, trigger.by), info, market)
        if failed is not None:
            return failed
    at = change.price or order.price or change.trigger_price or order.trigger_price
    buy = order.spec.side is Side.BUY
    for name, level, above in (("take_profit", change.take_profit, buy), ("stop_loss", change.stop_loss, not buy)):
        failed = check_side(name, level, above, at, info) if level else None
        if failed is not None:
            return failed
    return check_level("price", change.price, info) if change.price is not None else None


def is_unsent(order: Order) -> bool:
    """Whether the order can still be changed where it stands, in our own queue."""
    return order.status is OrderStatus.QUEUED
