"""Create and amend conditional orders: what is checked now, and what waits until they fire.

A conditional order of a derivative needs no margin and no position before it fires. On spot a tpslOrder holds its
coins at once (a market buy at its trigger price), a StopOrder when it fires (bybit-v5 5.1).
"""

from decimal import Decimal

from msgspec.structs import replace

from tradectl.matching import order_checks as checks
from tradectl.matching import stop_checks
from tradectl.matching.accounts import Account
from tradectl.matching.book import Book
from tradectl.matching.conditional import FOLLOWING, ConditionalOrder
from tradectl.matching.conditional_life import hold, resize, show_on_position, wait
from tradectl.matching.order_life import announce
from tradectl.matching.order_plan import new_order
from tradectl.matching.publication import Publication
from tradectl.matching.records import NewOrder, Refused, StopChange, VenueOrder
from tradectl.matching.state import State
from tradectl.model.money import ZERO
from tradectl.model.orders import OrderType, Side, Trigger


def place(state: State, out: Publication, account: Account, book: Book, request: NewOrder, now: int) -> VenueOrder:
    """The whole create; raises :class:`Refused` before anything changed."""
    if request.trigger is None:
        raise ValueError("a conditional order needs a trigger")
    if book.instrument.is_spot and request.order_filter not in ("tpslOrder", "StopOrder"):
        raise Refused(10001, "a spot order with triggerPrice needs orderFilter tpslOrder or StopOrder")
    stop_checks.check_conditional_cap(account, book, request.order_filter)
    request = replace(request, trigger=stop_checks.check_trigger(book, request.trigger))
    _check_size(account, book, request)
    order = new_order(state, account, book, request, now)
    order.stop_order_type, order.create_type = "Stop", "CreateByStopOrder"
    held = ZERO
    if request.order_filter == "tpslOrder" and book.instrument.is_spot:
        order.stop_order_type = "tpslOrder"
        held = _coins(order)
        check_coins(account, book, order.side, held)
    account.remember_link(order.link_id)
    wait(state, out, account, book, order, held)
    return order


def amend(
    out: Publication,
    account: Account,
    book: Book,
    waiting: ConditionalOrder,
    qty: Decimal | None,
    price: Decimal | None,
    stops: StopChange,
    now: int,
) -> VenueOrder:
    """New quantity, limit price, trigger or protection; raises :class:`Refused` before anything changed."""
    order = waiting.order
    new = _amended(account, book, order, qty, price, stops)
    if (new.qty, new.price, new.trigger, new.protection) == (order.qty, order.price, order.trigger, order.protection):
        raise Refused(10001, "order not modified")
    if waiting.held:
        before = waiting.held
        held = before * new.qty / order.qty if order.partner else _coins(new)
        check_coins(account, book, order.side, held - before)
        hold(account, book, waiting, held)
    order.price, order.trigger, order.protection, order.updated = new.price, new.trigger, new.protection, now
    order.qty = order.leaves = new.qty
    show_on_position(account, book, waiting)
    partner = account.conditionals.get(order.partner)
    if partner is not None and partner.order.qty != new.qty:
        resize(out, account, book, partner, new.qty, now)
    announce(out, account, book, order)
    return order


def check_coins(account: Account, book: Book, side: Side, amount: Decimal) -> None:
    """Raises 170131 when the coin that ``side`` pays with has less than ``amount`` free."""
    checks.check_coins(account, book, side, amount, amount)


def _amended(
    account: Account,
    book: Book,
    order: VenueOrder,
    qty: Decimal | None,
    price: Decimal | None,
    stops: StopChange,
) -> VenueOrder:
    """The order as it would be, checked."""
    new = replace(order, qty=order.qty if qty is None else qty)
    if price is not None and order.type is OrderType.LIMIT:
        new.price = checks.check_price(book, price)
    if (stops.trigger_price, stops.trigger_by) != (None, None):
        new.trigger = _moved(book, order, stops)
    if qty is not None and order.stop_order_type in FOLLOWING:
        raise Refused(10001, "the size of a position's TP/SL is the position's")
    if qty is not None:
        checks.check_qty(book, qty, order.type)
    entry = new.price if new.price is not None else new.trigger.price if new.trigger is not None else None
    new.protection = stop_checks.amended_protection(account, book, order, entry, stops)
    return new


def _moved(book: Book, order: VenueOrder, stops: StopChange) -> Trigger:
    if order.trigger is None or order.trailing is not None:
        raise Refused(10001, "the trigger of a trailing stop follows the market")
    price = order.trigger.price if stops.trigger_price is None else stops.trigger_price
    return stop_checks.check_trigger(book, Trigger(price, order.trigger.rises, stops.trigger_by or order.trigger.by))


def _check_size(account: Account, book: Book, request: NewOrder) -> None:
    """Quantity and limit price, as far as they do not depend on the market and the position when it fires."""
    price = request.trigger.price if request.trigger is not None else None
    if request.type is OrderType.LIMIT:
        price = checks.check_price(book, request.price)
    if request.quote_qty:
        checks.check_amount(book, request.qty)
        return
    closes = (request.reduce_only or request.close_on_trigger) and not book.instrument.is_spot
    if closes and request.qty == 0:
        return
    checks.check_qty(book, request.qty, request.type)
    if not closes:
        checks.check_notional(account, book, request.side, request.qty, price, request.position_idx)


def _coins(order: VenueOrder) -> Decimal:
    """What a spot order will pay with, a market buy by quantity at its trigger."""
    if order.side is Side.SELL or order.quote_qty:
        return order.qty
    price = order.price if order.price is not None else order.trigger.price if order.trigger is not None else ZERO
    return order.qty * price
