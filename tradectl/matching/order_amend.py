"""Amend an order in the book: quantity, price and the protection it will attach."""

from decimal import Decimal

from tradectl.matching import order_checks as checks
from tradectl.matching import order_life
from tradectl.matching.accounts import Account
from tradectl.matching.book import Book
from tradectl.matching.order_entry import match
from tradectl.matching.order_plan import Plan
from tradectl.matching.publication import Publication
from tradectl.matching.records import Refused, StopChange, VenueOrder
from tradectl.matching.resting import RestingOrder
from tradectl.matching.state import State
from tradectl.matching.stop_checks import amended_protection


def amend(
    state: State,
    out: Publication,
    account: Account,
    book: Book,
    resting: RestingOrder,
    qty: Decimal | None,
    price: Decimal | None,
    stops: StopChange,
    now: int,
) -> VenueOrder:
    """New total quantity or price; raises :class:`Refused` before anything changed."""
    order = resting.order
    protection = amended_protection(account, book, order, order.price if price is None else price, stops)
    if qty in (None, order.qty) and price in (None, order.price) and protection == order.protection:
        raise Refused(10001, "order not modified")
    total = order.qty if qty is None else qty
    lots = checks.check_qty(book, total, order.type) - book.grid.lots(order.cum_qty)
    if lots <= 0:
        raise Refused(checks.codes_of(book).amend_filled, "the new quantity must exceed what is filled")
    ticks = resting.ticks if price is None else checks.limit_ticks(book, order.side, price)
    if order.reduce_only:
        lots = min(lots, book.grid.lots(checks.reducible(account, book, order.side, order.position_idx)))
        total = order.cum_qty + book.grid.qty(lots)
    checks.check_notional(account, book, order.side, total, book.grid.price(ticks), order.position_idx)
    order_life.dequeue(book, account, resting)
    try:
        _check_funds(state, account, book, order, ticks, lots)
    except Refused:
        order_life.enqueue(book, account, resting)
        raise
    order.qty, order.leaves, order.updated, order.protection = total, book.grid.qty(lots), now, protection
    if ticks == resting.ticks and lots <= resting.leaves:
        resting.leaves = lots
        order_life.enqueue(book, account, resting)
        order_life.announce(out, account, book, order)
        return order
    order.price = book.grid.price(ticks)
    account.orders.pop(order.order_id)
    match(state, out, account, book, order, Plan(ticks, lots, total, order.reduce_only), now)
    return order


def _check_funds(state: State, account: Account, book: Book, order: VenueOrder, ticks: int, lots: int) -> None:
    value = book.grid.value(ticks, lots)
    if book.instrument.is_spot:
        checks.check_coins(account, book, order.side, book.grid.qty(lots), value)
    elif not order.reduce_only:
        checks.check_margin(state, account, book, order.side, book.grid.qty(lots), value, order.position_idx)
