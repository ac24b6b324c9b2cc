"""Cancel what a user asks to cancel: one order, or all of a kind."""

from tradectl.matching import order_entry, order_life
from tradectl.matching.accounts import Account
from tradectl.matching.book import Book
from tradectl.matching.conditional import SPOT_HOLDING, ConditionalOrder
from tradectl.matching.conditional_life import cancel_conditional
from tradectl.matching.publication import Publication
from tradectl.matching.records import VenueOrder
from tradectl.matching.resting import RestingOrder
from tradectl.matching.state import State
from tradectl.model.instruments import Category, InstrumentId

BY_USER = "CancelByUser"
REASON = "EC_PerCancelRequest"


def find_waiting(account: Account, book: Book, order_id: str, link_id: str) -> ConditionalOrder | None:
    """A conditional order of this instrument."""
    waiting = account.find_conditional(order_id, link_id)
    return waiting if waiting is not None and waiting.order.instrument == book.instrument.id else None


def cancel_one(out: Publication, account: Account, book: Book, order_id: str, link_id: str, now: int) -> VenueOrder:
    """Raises :class:`Refused` 110001/170213 when there is no such order."""
    waiting = find_waiting(account, book, order_id, link_id)
    if waiting is not None:
        cancel_conditional(out, account, book, waiting, now, BY_USER, REASON)
        return waiting.order
    resting = order_entry.find(account, book, order_id, link_id)
    order_life.cancel(out, account, book, resting, now, BY_USER, REASON)
    return resting.order


def cancel_all(
    state: State,
    out: Publication,
    account: Account,
    instrument: InstrumentId | None,
    order_filter: str,
    stop_order_type: str,
    now: int,
) -> list[VenueOrder]:
    """Cancel the chosen orders, oldest first; see :meth:`tradectl.matching.exchange.Exchange.cancel_all`."""
    every: list[RestingOrder | ConditionalOrder] = [*account.orders.values(), *account.conditionals.values()]
    cancelled = []
    for each in sorted(every, key=lambda each: each.order.created):
        order = each.order
        if instrument not in (None, order.instrument) or not _is_chosen(each, order_filter, stop_order_type):
            continue
        book = state.books[order.instrument]
        if isinstance(each, ConditionalOrder):
            cancel_conditional(out, account, book, each, now, BY_USER, REASON)
        else:
            order_life.cancel(out, account, book, each, now, BY_USER, REASON)
        cancelled.append(order)
    return cancelled


def _is_chosen(each: RestingOrder | ConditionalOrder, order_filter: str, stop_order_type: str) -> bool:
    spot = each.order.instrument.category is Category.SPOT
    if not order_filter:
        return not spot or isinstance(each, RestingOrder)
    if order_filter == "Order" or isinstance(each, RestingOrder):
        return order_filter == "Order" and isinstance(each, RestingOrder)
    if spot:
        return (each.order.stop_order_type in SPOT_HOLDING) == (order_filter == "tpslOrder")
    return order_filter == "StopOrder" and stop_order_type in ("", each.order.stop_order_type)
