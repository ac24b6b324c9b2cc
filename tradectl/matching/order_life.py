"""The life of a user order in the book: it rests and holds funds, shrinks, is cancelled or forgotten."""

from tradectl.matching.accounts import Account, Leg
from tradectl.matching.book import Book
from tradectl.matching.publication import Publication
from tradectl.matching.records import VenueOrder
from tradectl.matching.resting import RestingOrder
from tradectl.matching.state import State
from tradectl.model.money import ZERO
from tradectl.model.orders import OrderStatus, Side

BUY = Side.BUY


def rest(state: State, book: Book, account: Account, order: VenueOrder, ticks: int, lots: int) -> RestingOrder:
    """Put an order at the end of the queue at its price."""
    key = -ticks if order.side is BUY else ticks
    ahead = book.displayed(order.side).ahead_at(key)
    resting = RestingOrder(order, key, lots, ahead, state.ids.next_turn())
    account.orders[order.order_id] = resting
    if order.link_id:
        account.open_links[order.link_id] = order.order_id
    enqueue(book, account, resting)
    return resting


def enqueue(book: Book, account: Account, resting: RestingOrder) -> None:
    """Into the book, with what it holds."""
    order = resting.order
    book.resting(order.side).add(resting)
    _hold(book, account, resting, 0, resting.leaves)
    if order.reduce_only:
        account.holding(book.instrument, order.position_idx).reducing += 1


def dequeue(book: Book, account: Account, resting: RestingOrder) -> None:
    """Out of the book; what it held for its leaves is free again."""
    order = resting.order
    book.resting(order.side).remove(resting)
    _hold(book, account, resting, resting.leaves, 0)
    if order.reduce_only:
        account.holding(book.instrument, order.position_idx).reducing -= 1


def fill(book: Book, account: Account, resting: RestingOrder, lots: int) -> None:
    """Take ``lots`` off the order; what they held is free."""
    _hold(book, account, resting, resting.leaves, resting.leaves - lots)
    resting.leaves -= lots


def _hold(book: Book, account: Account, resting: RestingOrder, before: int, after: int) -> None:
    """Hold for ``after`` lots what was held for ``before``: coins on spot, else margin. Rounded values do not add up,
    so those of inverse contracts are always taken in full."""
    if before == after:
        return
    grid, order, ticks = book.grid, resting.order, abs(resting.key)
    value = grid.value(ticks, after) - grid.value(ticks, before) if grid.inverse else grid.value(ticks, after - before)
    qty = (after - before) * grid.lot
    if book.is_spot:
        account.lock(book.instrument, order.side, qty, value)
    elif not order.reduce_only:
        idx = order.position_idx
        holding = account.holdings.get(book.legs[idx]) or account.holding(book.instrument, idx)
        holding.add_order(order.side, qty, value)
        book.touch(account.uid, idx)


def forget(book: Book, account: Account, resting: RestingOrder) -> None:
    """Take a finished order out of book and account."""
    dequeue(book, account, resting)
    order = resting.order
    account.orders.pop(order.order_id, None)
    account.open_links.pop(order.link_id, None)


def cancel(
    out: Publication, account: Account, book: Book, resting: RestingOrder, now: int, cancel_type: str, reason: str
) -> None:
    """End a resting order unfilled."""
    forget(book, account, resting)
    resting.leaves = 0
    close_unfilled(resting.order, now, reason, cancel_type)
    out.order(resting.order)
    out_reserved(out, account, book, resting.order)


def announce(out: Publication, account: Account, book: Book, order: VenueOrder) -> None:
    """Publish an order and what it holds."""
    out.order(order)
    if out.wanted.positions or book.is_spot:
        out_reserved(out, account, book, order)
    elif book.legs[order.position_idx] not in account.holdings:
        account.holding(book.instrument, order.position_idx)


def close_unfilled(order: VenueOrder, now: int, reason: str, cancel_type: str = "UNKNOWN") -> None:
    """The final state of an order whose remainder will not trade; only spot has a word for partly filled."""
    spot = order.instrument.category.value == "spot"
    order.status = OrderStatus.PARTIALLY_FILLED_CANCELED if spot and order.cum_qty else OrderStatus.CANCELLED
    order.leaves = ZERO
    order.reject_reason = reason
    order.cancel_type = cancel_type
    order.updated = now


def out_reserved(out: Publication, account: Account, book: Book, order: VenueOrder) -> None:
    """Publish what an order action touches besides the order: locked coins on spot, else the position, which Bybit
    pushes on every order action, changed or not."""
    if book.is_spot:
        out.wallet(account.wallet(book.instrument.quote_coin))
        out.wallet(account.wallet(book.instrument.base_coin))
        return
    idx = order.position_idx
    holding = account.holdings.get(book.legs[idx]) or account.holding(book.instrument, idx)
    out.position(holding.position)


def keep_reducing(out: Publication, account: Account, book: Book, idx: int, now: int) -> None:
    """After a position changed: its reduce-only orders shrink to it, or end when there is nothing to reduce."""
    holding = account.holdings.get(Leg(book.instrument.id, idx))
    if holding is None or holding.reducing == 0:
        return
    size = holding.position.size
    most = book.grid.lots(abs(size))
    for resting in list(account.orders.values()):
        order = resting.order
        if not order.reduce_only or order.instrument != book.instrument.id or order.position_idx != idx:
            continue
        if size * order.side.sign >= 0:
            cancel(out, account, book, resting, now, "CancelByReduceOnly", "EC_NoError")
        elif resting.leaves > most:
            resting.leaves = most
            order.leaves = book.grid.qty(most)
            order.qty = order.cum_qty + order.leaves
            order.updated = now
            out.order(order)
