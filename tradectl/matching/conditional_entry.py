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
from tradectl.matching.conditional_life import hold, show_on_position, wait
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
    holds = request.order_filter == "tpslOrder" and book.instrument.is_spot
    held = _coins(request) if holds else ZERO
    _check_coins(account, book, request.side, held)
    order = new_order(state, account, book, request, now)
    order.stop_order_type = "tpslOrder" if holds else "Stop"
    order.create_type = "CreateByStopOrder"
    if state.remember_links:
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
    _change_held(account, book, waiting, new)
    order.price, order.trigger, order.protection, order.updated = new.price, new.trigger, new.protection, now
    order.qty = order.leaves = new.qty
    show_on_position(account, book, waiting)
    _change_partner(out, account, book, waiting, now)
    announce(out, account, book, order)
    return order


def _change_held(account: Account, book: Book, waiting: ConditionalOrder, new: VenueOrder) -> None:
    """The coins of the amended order, or of the pair it is in, which holds them once."""
    order, partner = waiting.order, account.conditionals.get(waiting.order.partner)
    holder = waiting if waiting.held or partner is None else partner
    if not holder.held:
        return
    held = _coins(new) if partner is None else holder.held * new.qty / order.qty
    _check_coins(account, book, order.side, held - holder.held)
    hold(account, book, holder, held)


def _change_partner(out: Publication, account: Account, book: Book, waiting: ConditionalOrder, now: int) -> None:
    """Editing one order of a pair unlinks it (bybit-v5 6.4); on spot, where they share coins, both change."""
    order, partner = waiting.order, account.conditionals.get(waiting.order.partner)
    if partner is None:
        return
    if not book.instrument.is_spot:
        order.partner = partner.order.partner = ""
        return
    if partner.order.qty != order.qty:
        partner.order.qty = partner.order.leaves = order.qty
        partner.order.updated = now
        announce(out, account, book, partner.order)


def _check_coins(account: Account, book: Book, side: Side, amount: Decimal) -> None:
    """Raises 170131 when the coin that ``side`` pays with has less than ``amount`` free."""
    if amount > 0:
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


def _coins(order: NewOrder | VenueOrder) -> Decimal:
    """What a spot order will pay with, a market buy by quantity at its trigger."""
    if order.side is Side.SELL or order.quote_qty:
        return order.qty
    price = order.price if order.price is not None else order.trigger.price if order.trigger is not None else ZERO
    return order.qty * price
