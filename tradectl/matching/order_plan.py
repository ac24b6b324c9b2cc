"""What a request or a fired trigger comes to before it meets the market: limit, lots, funds."""

from decimal import Decimal

from msgspec import Struct

from tradectl.matching import order_checks as checks
from tradectl.matching.accounts import Account
from tradectl.matching.book import Book
from tradectl.matching.conditional import ATTACHED
from tradectl.matching.records import NewOrder, VenueOrder
from tradectl.matching.state import State
from tradectl.model.money import ZERO
from tradectl.model.orders import OrderStatus, OrderType, Side, TimeInForce

MARKET, BUY, SELL = OrderType.MARKET, Side.BUY, Side.SELL
IOC, NEW = TimeInForce.IOC, OrderStatus.NEW


class Plan(Struct, frozen=True, gc=False):
    """A checked order: limit or bound in ticks, lots (0 for a buy by value), final quantity, and the price it is
    valued at (``None`` where that was not asked)."""

    ticks: int
    lots: int
    qty: Decimal
    reduce_only: bool
    price: Decimal | None = None


def plan_of(account: Account, book: Book, wanted: NewOrder | VenueOrder) -> Plan:
    """Everything that can be refused without looking at the funds."""
    market = wanted.type is MARKET
    if not market:
        checks.check_cap(account, book)
    ticks = checks.protective_ticks(book, wanted.side) if market else _limit_ticks(book, wanted)
    if wanted.quote_qty:
        checks.check_amount(book, wanted.qty)
        return Plan(ticks, 0, wanted.qty, False)
    if wanted.reduce_only and not book.is_spot:
        return _reducing(account, book, wanted, ticks)
    lots = checks.check_qty(book, wanted.qty, wanted.type)
    price = likely_price(book, wanted.side, ticks, market)
    checks.check_notional(account, book, wanted.side, wanted.qty, price, wanted.position_idx)
    return Plan(ticks, lots, wanted.qty, False, price)


def check_funds(state: State, account: Account, book: Book, wanted: NewOrder | VenueOrder, plan: Plan) -> None:
    """The coins or the margin for the whole of a planned order."""
    if wanted.quote_qty:
        checks.check_coins(account, book, wanted.side, ZERO, wanted.qty)
    elif book.is_spot:
        checks.check_coins(account, book, wanted.side, plan.qty, book.grid.value(plan.ticks, plan.lots))
    elif not plan.reduce_only:
        price = plan.price
        if price is None:
            price = likely_price(book, wanted.side, plan.ticks, wanted.type is MARKET)
        value = book.grid.value_at(plan.qty, price)
        checks.check_margin(state, account, book, wanted.side, plan.qty, value, wanted.position_idx)


def new_order(state: State, account: Account, book: Book, request: NewOrder, now: int) -> VenueOrder:
    """The order of a checked request, as asked for."""
    market, spot = request.type is MARKET, book.is_spot
    return VenueOrder(  # in the order of the fields: naming them all takes longer than the checks before it
        account.uid, state.ids.order_id(spot), request.link_id, request.instrument, request.side, request.type,
        IOC if market else request.time_in_force, request.qty, None if market else request.price,
        NEW, now, now, request.reduce_only and not spot, request.quote_qty, ZERO, ZERO, request.qty, {},
        "UNKNOWN", "EC_NoError", book.last, request.trigger, request.close_on_trigger, request.protection,
        request.position_idx, request.self_match, "", request.order_filter if spot else "Order",
    )  # fmt: skip


def likely_price(book: Book, side: Side, ticks: int, market: bool) -> Decimal:
    """What an order is valued at before it trades: its limit, or for a market order the dearer of mark and the best
    opposite price (its bound would ask for margin that no fill needs)."""
    if not market:
        return book.grid.price(ticks)
    reference, best = book.reference(), book.best_price(SELL if side is BUY else BUY)
    if reference is None or best is None:
        known = best if reference is None else reference
        return book.grid.price(ticks) if known is None else known
    # A contract in dollars costs more coins when the price is low.
    return best if (best < reference if book.grid.inverse else best > reference) else reference


def _limit_ticks(book: Book, wanted: NewOrder | VenueOrder) -> int:
    return checks.limit_ticks(book, wanted.side, wanted.price)


def _reducing(account: Account, book: Book, wanted: NewOrder | VenueOrder, ticks: int) -> Plan:
    """A reduce-only order, cut to the position. Quantity 0 closes all of it, up to the largest order (bybit-v5 5.1).

    One that protects the position is not bound to the largest order: Bybit splits those.
    """
    most = checks.reducible(account, book, wanted.side, wanted.position_idx)
    if isinstance(wanted, VenueOrder) and wanted.stop_order_type in ATTACHED:
        lots = book.grid.lots(wanted.qty)
    else:
        qty = wanted.qty or min(most, checks.largest_qty(book, wanted.type))
        lots = checks.check_qty(book, qty, wanted.type)
    lots = min(lots, book.grid.lots(most))
    return Plan(ticks, lots, book.grid.qty(lots), True)
