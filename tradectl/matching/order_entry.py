"""Create, amend and cancel: from a request to its checks, its matching and its place in the book."""

from decimal import Decimal

from msgspec import Struct

from tradectl.matching import order_checks as checks
from tradectl.matching import order_life
from tradectl.matching.accounts import Account
from tradectl.matching.book import Book
from tradectl.matching.matcher import NO_LIMIT, Incoming, Matcher, available, limit_key, would_take
from tradectl.matching.publication import Publication
from tradectl.matching.records import NewOrder, Refused, VenueOrder
from tradectl.matching.resting import RestingOrder
from tradectl.matching.state import State
from tradectl.model.money import ZERO
from tradectl.model.orders import OrderStatus, OrderType, Side, TimeInForce


class _Plan(Struct, frozen=True):
    """A checked request: limit or bound in ticks, lots (0 for a buy by value), final quantity."""

    ticks: int
    lots: int
    qty: Decimal
    reduce_only: bool


def place(state: State, out: Publication, account: Account, request: NewOrder, now: int) -> VenueOrder:
    """The whole create; raises :class:`Refused` before anything changed."""
    book = state.book(request.instrument)
    checks.check_new(account, book, request)
    plan = _plan(account, book, request)
    _check_funds(state, account, book, request, plan)
    market = request.type is OrderType.MARKET
    order = VenueOrder(
        uid=account.uid, order_id=state.ids.order_id(book.instrument.is_spot), link_id=request.link_id,
        instrument=request.instrument, side=request.side, type=request.type,
        time_in_force=TimeInForce.IOC if market else request.time_in_force, qty=plan.qty,
        price=book.grid.price(plan.ticks), status=OrderStatus.NEW, created=now,
        updated=now, reduce_only=plan.reduce_only, quote_qty=request.quote_qty, leaves=plan.qty,
        last_price_on_created=book.last,
    )  # fmt: skip
    account.remember_link(order.link_id)
    _match(state, out, account, book, order, plan, now)
    return order


def amend(
    state: State,
    out: Publication,
    account: Account,
    book: Book,
    resting: RestingOrder,
    qty: Decimal | None,
    price: Decimal | None,
    now: int,
) -> VenueOrder:
    """New total quantity or price; raises :class:`Refused` before anything changed."""
    order = resting.order
    if qty in (None, order.qty) and price in (None, order.price):
        raise Refused(10001, "order not modified")
    total = order.qty if qty is None else qty
    lots = checks.check_qty(book, total, order.type) - book.grid.lots(order.cum_qty)
    if lots <= 0:
        raise Refused(checks.codes_of(book).amend_filled, "the new quantity must exceed what is filled")
    ticks = resting.ticks if price is None else checks.limit_ticks(book, order.side, price)
    if order.reduce_only:
        lots = min(lots, book.grid.lots(checks.reducible(account, book, order.side)))
        total = order.cum_qty + book.grid.qty(lots)
    checks.check_notional(account, book, order.side, total, book.grid.price(ticks))
    order_life.dequeue(book, account, resting)
    try:
        _check_resting_funds(state, account, book, order, ticks, lots)
    except Refused:
        order_life.enqueue(book, account, resting)
        raise
    order.qty, order.leaves, order.updated = total, book.grid.qty(lots), now
    if ticks == resting.ticks and lots <= resting.leaves:
        resting.leaves = lots
        order_life.enqueue(book, account, resting)
        _announce(out, account, book, order)
        return order
    order.price = book.grid.price(ticks)
    account.orders.pop(order.order_id)
    _match(state, out, account, book, order, _Plan(ticks, lots, total, order.reduce_only), now)
    return order


def find(account: Account, book: Book, order_id: str, link_id: str) -> RestingOrder:
    """An open order of this instrument. Raises :class:`Refused` 110001/170213 otherwise."""
    resting = account.find_order(order_id, link_id)
    if resting is None or resting.order.instrument != book.instrument.id:
        raise Refused(checks.codes_of(book).unknown_order, "order not exists or too late to cancel")
    return resting


def _plan(account: Account, book: Book, request: NewOrder) -> _Plan:
    market = request.type is OrderType.MARKET
    ticks = (
        checks.protective_ticks(book, request.side) if market else checks.limit_ticks(book, request.side, request.price)
    )
    if request.quote_qty:
        checks.check_amount(book, request.qty)
        return _Plan(ticks, 0, request.qty, False)
    reduce_only = request.reduce_only and not book.instrument.is_spot
    qty = request.qty
    if reduce_only:
        most = checks.reducible(account, book, request.side)
        # qty 0 closes the whole position, up to the largest order (bybit-v5 5.1).
        qty = (
            min(most, book.instrument.max_market_qty if market else book.instrument.max_limit_qty) if qty == 0 else qty
        )
        lots = checks.check_qty(book, qty, request.type)
        lots = min(lots, book.grid.lots(most))
        return _Plan(ticks, lots, book.grid.qty(lots), True)
    lots = checks.check_qty(book, qty, request.type)
    checks.check_notional(account, book, request.side, qty, _likely_price(book, request.side, ticks, market))
    return _Plan(ticks, lots, qty, False)


def _likely_price(book: Book, side: Side, ticks: int, market: bool) -> Decimal:
    """What an order is valued at before it trades: its limit, or for a market order the dearer of mark and the best
    opposite price (its bound would ask for margin that no fill needs)."""
    if not market:
        return book.grid.price(ticks)
    known = [price for price in (book.reference(), book.best_price(side.opposite)) if price is not None]
    return max(known, default=book.grid.price(ticks))


def _check_funds(state: State, account: Account, book: Book, request: NewOrder, plan: _Plan) -> None:
    if request.quote_qty:
        checks.check_coins(account, book, request.side, ZERO, request.qty)
        return
    if plan.reduce_only:
        return
    if not book.instrument.is_spot:
        market = request.type is OrderType.MARKET
        price = _likely_price(book, request.side, plan.ticks, market)
        checks.check_margin(state, account, book, request.side, plan.qty, plan.qty * price)
        return
    checks.check_coins(account, book, request.side, plan.qty, book.grid.value(plan.ticks, plan.lots))


def _check_resting_funds(state: State, account: Account, book: Book, order: VenueOrder, ticks: int, lots: int) -> None:
    value = book.grid.value(ticks, lots)
    if book.instrument.is_spot:
        checks.check_coins(account, book, order.side, book.grid.qty(lots), value)
    elif not order.reduce_only:
        checks.check_margin(state, account, book, order.side, book.grid.qty(lots), value)


def _match(
    state: State, out: Publication, account: Account, book: Book, order: VenueOrder, plan: _Plan, now: int
) -> None:
    """Trade what can trade at once, then rest or end the remainder."""
    limit = limit_key(order.side, plan.ticks)
    refusal = _refuses_to_match(book, order, plan, limit)
    incoming = Incoming(account, order, limit, plan.lots)
    if order.quote_qty:
        incoming.amount, incoming.leaves = order.qty, NO_LIMIT
    if not refusal:
        Matcher(state, out, now).take(book, incoming)
    if order.quote_qty:
        _end_buy_by_value(book, order, incoming, now)
    elif refusal:
        _end(account, order, now, refusal)
    elif incoming.leaves == 0:
        _end_filled(account, order)
    elif order.time_in_force in (TimeInForce.IOC, TimeInForce.FOK):
        _end(account, order, now, "EC_NoImmediateQtyToFill")
    else:
        order_life.rest(state, book, account, order, plan.ticks, incoming.leaves)
        order_life.keep_reducing(out, account, book, now)
    _announce(out, account, book, order)


def _refuses_to_match(book: Book, order: VenueOrder, plan: _Plan, limit: int) -> str:
    """Why an order must not trade at all, "" when it may."""
    if order.time_in_force is TimeInForce.POST_ONLY and would_take(book, order.side, limit):
        return "EC_PostOnlyWillTakeLiquidity"
    if order.time_in_force is TimeInForce.FOK and available(book, order.side, limit) < plan.lots:
        return "EC_CancelForNoFullFill"
    return ""


def _end(account: Account, order: VenueOrder, now: int, reason: str) -> None:
    order_life.close_unfilled(order, now, reason)
    account.open_links.pop(order.link_id, None)


def _end_filled(account: Account, order: VenueOrder) -> None:
    order.status = OrderStatus.FILLED
    account.open_links.pop(order.link_id, None)


def _end_buy_by_value(book: Book, order: VenueOrder, incoming: Incoming, now: int) -> None:
    """Filled when the amount cannot pay another lot (the rest is returned); else the market had no more to sell."""
    spent = would_take(book, order.side, incoming.limit) or not incoming.amount
    if spent and order.cum_qty:
        order.status, order.leaves = OrderStatus.FILLED, ZERO
    else:
        order_life.close_unfilled(order, now, "EC_CancelByOrderValueZero" if spent else "EC_NoImmediateQtyToFill")


def _announce(out: Publication, account: Account, book: Book, order: VenueOrder) -> None:
    out.order(order)
    order_life.out_reserved(out, account, book)
