"""The life of a conditional order until it fires: it waits, changes size and is cancelled."""

from decimal import Decimal

from tradectl.matching.accounts import Account
from tradectl.matching.book import Book
from tradectl.matching.conditional import ConditionalOrder
from tradectl.matching.order_life import announce
from tradectl.matching.publication import Publication
from tradectl.matching.records import VenueOrder
from tradectl.matching.state import State
from tradectl.model.money import ZERO
from tradectl.model.orders import OrderStatus, Side


def wait(
    state: State, out: Publication, account: Account, book: Book, order: VenueOrder, held: Decimal = ZERO
) -> ConditionalOrder:
    """Let an order wait for its trigger; a spot order may hold coins meanwhile."""
    order.status = OrderStatus.UNTRIGGERED
    waiting = ConditionalOrder(order, state.ids.next_turn())
    account.conditionals[order.order_id] = book.conditionals[order.order_id] = waiting
    if order.link_id:
        account.open_links[order.link_id] = order.order_id
    hold(account, book, waiting, held)
    if waiting.is_attached:
        account.holding(book.instrument, order.position_idx).attached += 1
    show_on_position(account, book, waiting)
    announce(out, account, book, order)
    return waiting


def leave(account: Account, book: Book, waiting: ConditionalOrder) -> None:
    """Out of the wait, fired or cancelled; what it held is free."""
    order = waiting.order
    del account.conditionals[order.order_id]
    del book.conditionals[order.order_id]
    hold(account, book, waiting, ZERO)
    if waiting.is_attached:
        account.holding(book.instrument, order.position_idx).attached -= 1
    show_on_position(account, book, waiting)


def cancel_conditional(
    out: Publication,
    account: Account,
    book: Book,
    waiting: ConditionalOrder,
    now: int,
    cancel_type: str,
    reason: str = "EC_NoError",
) -> None:
    """End it before it fired. The coins that a pair holds together stay with the other one."""
    order = waiting.order
    partner = account.conditionals.get(order.partner)
    held = waiting.held
    leave(account, book, waiting)
    account.open_links.pop(order.link_id, None)
    if partner is not None:
        partner.order.partner = ""
        hold(account, book, partner, partner.held or held)
    order.status, order.leaves = OrderStatus.DEACTIVATED, ZERO
    order.cancel_type, order.reject_reason, order.updated = cancel_type, reason, now
    announce(out, account, book, order)


def resize(out: Publication, account: Account, book: Book, waiting: ConditionalOrder, qty: Decimal, now: int) -> None:
    """Give a waiting order another quantity, with the coins that takes."""
    order = waiting.order
    if waiting.held:
        hold(account, book, waiting, waiting.held * qty / order.qty)
    order.qty = order.leaves = qty
    order.updated = now
    announce(out, account, book, order)


def hold(account: Account, book: Book, waiting: ConditionalOrder, amount: Decimal) -> None:
    """Hold ``amount`` of the coin a spot order pays with instead of what it held."""
    if amount == waiting.held:
        return
    instrument = book.instrument
    coin = instrument.quote_coin if waiting.order.side is Side.BUY else instrument.base_coin
    account.wallet(coin).locked += amount - waiting.held
    waiting.held = amount


def show_on_position(account: Account, book: Book, waiting: ConditionalOrder) -> None:
    """Keep the position's own fields equal to its waiting orders of mode Full."""
    order = waiting.order
    if not waiting.follows_position:
        return
    position = account.holding(book.instrument, order.position_idx).position
    alive = order.order_id in account.conditionals
    price = order.trigger.price if alive and order.trigger is not None else ZERO
    if order.stop_order_type == "TakeProfit":
        position.take_profit = price
    elif order.stop_order_type == "StopLoss":
        position.stop_loss = price
    else:
        position.trailing = order.trailing or ZERO if alive else ZERO
