"""Create: from a request to its checks, its matching and its place in the book."""

from msgspec.structs import replace

from tradectl.matching import conditional_entry, order_life, stop_checks
from tradectl.matching import order_checks as checks
from tradectl.matching.accounts import Account
from tradectl.matching.book import Book
from tradectl.matching.matcher import NO_LIMIT, Incoming, Matcher, available, limit_key, would_take
from tradectl.matching.order_plan import Plan, check_funds, new_order, plan_of
from tradectl.matching.publication import Publication
from tradectl.matching.records import NewOrder, Refused, VenueOrder
from tradectl.matching.resting import RestingOrder
from tradectl.matching.state import State
from tradectl.model.money import ZERO
from tradectl.model.orders import OrderStatus, Side, TimeInForce

BUY, SELL, FILLED = Side.BUY, Side.SELL, OrderStatus.FILLED
#: What must not trade, or only whole, and what never stays in the book.
CAREFUL = (TimeInForce.POST_ONLY, TimeInForce.FOK)
NOTHING_RESTS = (TimeInForce.IOC, TimeInForce.FOK)


def place(state: State, out: Publication, account: Account, request: NewOrder, now: int) -> VenueOrder:
    """The whole create; raises :class:`Refused` before anything changed."""
    book = state.book(request.instrument)
    checks.check_new(account, book, request)
    if request.position_idx:
        request = _of_its_leg(request)
    if request.protection is not None:
        stop_checks.check_protection(account, book, request)
    if request.trigger is not None:
        return conditional_entry.place(state, out, account, book, request, now)
    plan = plan_of(account, book, request)
    check_funds(state, account, book, request, plan)
    order = new_order(state, account, book, request, now)
    order.qty = order.leaves = plan.qty
    order.price, order.reduce_only = book.grid.price(plan.ticks), plan.reduce_only
    if state.remember_links:
        account.remember_link(order.link_id)
    match(state, out, account, book, order, plan, now)
    return order


def _of_its_leg(request: NewOrder) -> NewOrder:
    """In hedge mode an order against its leg can only close it."""
    closing = (request.position_idx, request.side) in ((1, SELL), (2, BUY))
    return replace(request, reduce_only=True) if closing else request


def find(account: Account, book: Book, order_id: str, link_id: str) -> RestingOrder:
    """An open order of this instrument. Raises :class:`Refused` 110001/170213 otherwise."""
    resting = account.find_order(order_id, link_id)
    if resting is None or resting.order.instrument != book.instrument.id:
        raise Refused(checks.codes_of(book).unknown_order, "order not exists or too late to cancel")
    return resting


def match(
    state: State, out: Publication, account: Account, book: Book, order: VenueOrder, plan: Plan, now: int
) -> None:
    """Trade what can trade at once, then rest or end the remainder."""
    limit = limit_key(order.side, plan.ticks)
    refusal = _refuses_to_match(book, order, plan, limit) if order.time_in_force in CAREFUL else ""
    incoming = Incoming(account, order, limit, plan.lots)
    if order.quote_qty:
        incoming.amount, incoming.leaves = order.qty, NO_LIMIT
    if not refusal:
        Matcher(state, out, now).take(book, incoming)
    if order.quote_qty and not incoming.met_itself:
        _end_buy_by_value(book, order, incoming, now)
    elif refusal:
        _end(account, order, now, refusal)
    elif incoming.leaves == 0:
        _end_filled(account, order)
    elif incoming.met_itself:
        _end_by_self_match(account, order, incoming.met_itself, now)
    elif order.time_in_force in NOTHING_RESTS:
        _end(account, order, now, "EC_NoImmediateQtyToFill")
    else:
        order_life.rest(state, book, account, order, plan.ticks, incoming.leaves)
        if order.reduce_only:
            order_life.keep_reducing(out, account, book, order.position_idx, now)
    order_life.announce(out, account, book, order)


def _refuses_to_match(book: Book, order: VenueOrder, plan: Plan, limit: int) -> str:
    """Why an order must not trade at all, "" when it may."""
    if order.time_in_force is TimeInForce.POST_ONLY and would_take(book, order.side, limit):
        return "EC_PostOnlyWillTakeLiquidity"
    if order.time_in_force is TimeInForce.FOK and available(book, order, limit) < plan.lots:
        return "EC_CancelForNoFullFill"
    return ""


def _end(account: Account, order: VenueOrder, now: int, reason: str) -> None:
    order_life.close_unfilled(order, now, reason)
    account.open_links.pop(order.link_id, None)


def _end_by_self_match(account: Account, order: VenueOrder, met: str, now: int) -> None:
    order_life.close_unfilled(order, now, "EC_BySelfMatch", "CancelBySmp")
    order.smp_order_id = met
    account.open_links.pop(order.link_id, None)


def _end_filled(account: Account, order: VenueOrder) -> None:
    order.status = FILLED
    account.open_links.pop(order.link_id, None)


def _end_buy_by_value(book: Book, order: VenueOrder, incoming: Incoming, now: int) -> None:
    """Filled when the amount cannot pay another lot (the rest is returned); else the market had no more to sell."""
    spent = would_take(book, order.side, incoming.limit) or not incoming.amount
    if spent and order.cum_qty:
        order.status, order.leaves = OrderStatus.FILLED, ZERO
    else:
        order_life.close_unfilled(order, now, "EC_CancelByOrderValueZero" if spent else "EC_NoImmediateQtyToFill")
