"""Fires the conditional orders that a price reached, oldest first.

Every order that is due when the price moves fires in that move, unless one before it ended it. What fires is an order
like any other: it is checked against position, funds and market as they are then. Exits that the firing creates wait
for the next price. An order that closes on its trigger becomes reduce-only; reducing needs no margin here, so no other
order has to make room for it.
"""

from tradectl.matching import order_checks as checks
from tradectl.matching import order_life
from tradectl.matching.accounts import Account
from tradectl.matching.book import Book
from tradectl.matching.conditional import SPOT_HOLDING, ConditionalOrder
from tradectl.matching.conditional_life import cancel_conditional, leave
from tradectl.matching.order_entry import match
from tradectl.matching.order_plan import check_funds, plan_of
from tradectl.matching.publication import Publication
from tradectl.matching.records import Refused, VenueOrder
from tradectl.matching.state import State
from tradectl.matching.trailing import follow_last
from tradectl.model.money import ZERO
from tradectl.model.orders import OrderStatus, TriggerBy


def fire_due(state: State, out: Publication, book: Book, by: TriggerBy, now: int) -> None:
    """After the price of kind ``by`` was stated."""
    price = book.price_by(by)
    if price is None:
        return
    if by is TriggerBy.LAST:
        follow_last(book, price)
    due = [waiting for waiting in book.conditionals.values() if waiting.is_reached(by, price)]
    for waiting in due:
        if waiting.order.order_id in book.conditionals:
            _fire(state, out, book, waiting, now)


def _fire(state: State, out: Publication, book: Book, waiting: ConditionalOrder, now: int) -> None:
    order = waiting.order
    account = state.accounts[order.uid]
    leave(account, book, waiting)
    _end_partner(out, account, book, order, now)
    order.status, order.updated = OrderStatus.TRIGGERED, now
    order.reduce_only = order.reduce_only or (order.close_on_trigger and not book.instrument.is_spot)
    out.triggered(order)
    try:
        plan = plan_of(account, book, order)
        check_funds(state, account, book, order, plan)
    except Refused as refused:
        _reject(out, account, book, order, refused, now)
        return
    order.status, order.qty, order.leaves = OrderStatus.NEW, plan.qty, plan.qty
    order.price, order.reduce_only = book.grid.price(plan.ticks), plan.reduce_only
    match(state, out, account, book, order, plan, now)


def _end_partner(out: Publication, account: Account, book: Book, order: VenueOrder, now: int) -> None:
    """An exit that rests in the book gives way to its partner; on spot so does a waiting one, which holds the coins."""
    resting = account.orders.get(order.partner)
    if resting is not None:
        order_life.cancel(out, account, book, resting, now, "CancelByTpSlTsClear", "EC_NoError")
    waiting = account.conditionals.get(order.partner)
    if waiting is not None and order.stop_order_type in SPOT_HOLDING:
        takes_profit = order.trigger is not None and order.trigger.rises
        word = "SlCanceledByTpTriggered" if takes_profit else "TpCanceledBySlTriggered"
        cancel_conditional(out, account, book, waiting, now, f"CancelByOCO{word}")


def _reject(out: Publication, account: Account, book: Book, order: VenueOrder, refused: Refused, now: int) -> None:
    """Nothing to reduce is a cancellation; anything else the order met is a rejection (bybit-v5 5.12)."""
    account.open_links.pop(order.link_id, None)
    if refused.code == checks.NOTHING_TO_REDUCE:
        order_life.close_unfilled(order, now, "EC_NoError", "CancelByReduceOnly")
    else:
        order.status, order.leaves, order.updated, order.reject_reason = OrderStatus.REJECTED, ZERO, now, "EC_Others"
    order_life.announce(out, account, book, order)
