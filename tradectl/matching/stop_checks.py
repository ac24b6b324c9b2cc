"""What is refused of triggers and of attached take-profits and stop-losses (bybit-v5 5.1, 5.2, 6.4 and 10)."""

from decimal import Decimal

from msgspec.structs import replace

from tradectl.matching.accounts import Account
from tradectl.matching.book import Book
from tradectl.matching.conditional import ATTACHED, PARTIAL, SPOT_HOLDING
from tradectl.matching.order_checks import check_price
from tradectl.matching.records import NewOrder, Refused, StopChange, VenueOrder
from tradectl.model.orders import OrderType, Protection, Side, Trigger, TriggerBy

MAX_CONDITIONALS = 10
MAX_PARTIAL = 20
MAX_SPOT_KIND = 30


def check_trigger(book: Book, trigger: Trigger) -> Trigger:
    """The trigger as it will be kept. Raises 110092/110093 when the market is past it; spot only knows the last price
    and takes the direction from it."""
    check_price(book, trigger.price, "triggerPrice")
    if book.instrument.is_spot:
        if book.last is None or trigger.price == book.last:
            raise Refused(10001, f"triggerPrice {trigger.price} must differ from the last price {book.last}")
        return Trigger(trigger.price, trigger.price > book.last)
    price = book.price_by(trigger.by)
    if price is not None and trigger.rises and trigger.price <= price:
        raise Refused(110092, f"expect Rising, but trigger_price[{trigger.price}] <= current[{price}]")
    if price is not None and not trigger.rises and trigger.price >= price:
        raise Refused(110093, f"expect Falling, but trigger_price[{trigger.price}] >= current[{price}]")
    return trigger


def check_conditional_cap(account: Account, book: Book, order_filter: str) -> None:
    """10 conditional orders per symbol, not counting attached ones (110009); on spot 30 of each kind (170810)."""
    waiting = [w.order for w in account.conditionals.values() if w.order.instrument == book.instrument.id]
    if book.instrument.is_spot:
        held = order_filter in SPOT_HOLDING
        if sum((order.stop_order_type in SPOT_HOLDING) is held for order in waiting) >= MAX_SPOT_KIND:
            raise Refused(170810, f"more than {MAX_SPOT_KIND} {order_filter} orders")
    elif sum(order.stop_order_type not in ATTACHED for order in waiting) >= MAX_CONDITIONALS:
        raise Refused(110009, f"more than {MAX_CONDITIONALS} conditional orders of {book.instrument.id.symbol}")


def check_partial_cap(account: Account, book: Book, more: int) -> None:
    """20 partial take-profits and stop-losses per symbol; those an open order may still attach do not count."""
    kinds = SPOT_HOLDING if book.instrument.is_spot else PARTIAL
    count = sum(
        w.order.instrument == book.instrument.id and w.order.stop_order_type in kinds
        for w in account.conditionals.values()
    )
    most = MAX_SPOT_KIND if book.instrument.is_spot else MAX_PARTIAL
    if count + more > most:
        raise Refused(170810 if book.instrument.is_spot else 110061, f"more than {most} partial TP/SL orders")


def check_protection(account: Account, book: Book, request: NewOrder) -> None:
    """The take-profit and stop-loss of an entry, against the price it would enter at."""
    protection = request.protection
    if protection is None:
        return
    if request.reduce_only or request.close_on_trigger:
        raise Refused(10001, "an order that only reduces cannot have takeProfit or stopLoss")
    if book.instrument.is_spot and (request.type is not OrderType.LIMIT or request.side is not Side.BUY):
        raise Refused(10001, "on spot takeProfit and stopLoss go with limit buys")
    entry = request.price
    if request.type is OrderType.MARKET:
        entry = book.last if book.last is not None else book.reference()
        entry = entry if request.trigger is None else request.trigger.price
    _check_legs(account, book, request.side, entry, protection)


def amended_protection(
    account: Account, book: Book, order: VenueOrder, price: Decimal | None, change: StopChange
) -> Protection | None:
    """The protection an amended order will have, checked. Raises 110059 once the order is partly filled."""
    named = (change.take_profit, change.stop_loss, change.tp_limit, change.sl_limit, change.tp_by, change.sl_by)
    if all(value is None for value in named):
        return order.protection
    if order.cum_qty:
        raise Refused(110059, "TP/SL of a partly filled order cannot be amended")
    if order.reduce_only:
        raise Refused(10001, "an order that only reduces cannot have takeProfit or stopLoss")
    legs = _changed(order.protection or Protection(partial=change.tp_limit is not None or change.sl_limit is not None),
                    change)  # fmt: skip
    if legs.take_profit is None and legs.stop_loss is None:
        return None
    _check_legs(account, book, order.side, price, legs)
    return legs


def check_exit(book: Book, side: Side, name: str, entry: Decimal | None, price: Decimal, above: bool) -> None:
    """One exit price of a position entered by ``side``, which must lie on its side of ``entry``."""
    check_price(book, price, name)
    if entry is not None and (price <= entry if above else price >= entry):
        word = "higher" if above else "lower"
        raise Refused(10001, f"{name}:{price} set for {side.value} position should be {word} than base_price:{entry}")


def check_added(account: Account, book: Book, side: Side, legs: Protection) -> None:
    """Partial exits added to a position of ``side``, against the price each trigger looks at."""
    _check_limits(book, legs)
    for price, by, name, above in (
        (legs.take_profit, legs.tp_by, "TakeProfit", side is Side.BUY),
        (legs.stop_loss, legs.sl_by, "StopLoss", side is Side.SELL),
    ):
        if price is not None:
            check_exit(book, side, name, base_price(book, by), price, above)
    check_partial_cap(account, book, 2 - (legs.take_profit, legs.stop_loss).count(None))


def _check_legs(account: Account, book: Book, side: Side, entry: Decimal | None, legs: Protection) -> None:
    _check_limits(book, legs)
    if legs.take_profit is not None:
        check_exit(book, side, "TakeProfit", entry, legs.take_profit, side is Side.BUY)
    if legs.stop_loss is not None:
        check_exit(book, side, "StopLoss", entry, legs.stop_loss, side is Side.SELL)
    if legs.partial or book.instrument.is_spot:
        check_partial_cap(account, book, 2 - (legs.take_profit, legs.stop_loss).count(None))


def _check_limits(book: Book, legs: Protection) -> None:
    if legs.take_profit is None and legs.stop_loss is None:
        raise Refused(10001, "takeProfit or stopLoss is required")
    for limit, price, name in (
        (legs.tp_limit, legs.take_profit, "tpLimitPrice"),
        (legs.sl_limit, legs.stop_loss, "slLimitPrice"),
    ):
        if limit is None:
            continue
        if price is None or not (legs.partial or book.instrument.is_spot):
            raise Refused(10001, f"{name} needs its trigger price and tpslMode Partial")
        check_price(book, limit, name)


def _changed(legs: Protection, change: StopChange) -> Protection:
    """``legs`` with what is named replaced; a leg set to 0 loses its limit price too."""
    take_profit, tp_limit = _leg(legs.take_profit, change.take_profit, legs.tp_limit, change.tp_limit)
    stop_loss, sl_limit = _leg(legs.stop_loss, change.stop_loss, legs.sl_limit, change.sl_limit)
    return replace(
        legs, take_profit=take_profit, tp_limit=tp_limit, stop_loss=stop_loss, sl_limit=sl_limit,
        tp_by=change.tp_by or legs.tp_by, sl_by=change.sl_by or legs.sl_by,
    )  # fmt: skip


def _leg(
    price: Decimal | None, new: Decimal | None, limit: Decimal | None, new_limit: Decimal | None
) -> tuple[Decimal | None, Decimal | None]:
    if new is not None and new == 0:
        return None, None
    return (price if new is None else new), (limit if new_limit is None else new_limit)


def base_price(book: Book, by: TriggerBy) -> Decimal | None:
    """What a position's exit is compared with: the price its trigger looks at."""
    price = book.price_by(by)
    return book.reference() if price is None else price
