"""Liquidation of a cross margin account whose maintenance margin reached its margin balance (bybit-v5 6.1).

Every order is cancelled, then each position is taken over at its bankruptcy price: the mark
moved by the position's share (by value) of what the account is worth, so that the account is left with nothing but
rounding. The tick is rounded in the account's favour. Positions are not reduced in tiers first.
"""

from decimal import Decimal

from tradectl.matching.accounts import Account
from tradectl.matching.book import Book
from tradectl.matching.booking import Trade, book_trade
from tradectl.matching.margin import margin_of
from tradectl.matching.order_life import cancel
from tradectl.matching.publication import Publication
from tradectl.matching.records import VenueOrder
from tradectl.matching.state import State
from tradectl.model.instruments import InstrumentId
from tradectl.model.money import ZERO
from tradectl.model.orders import OrderStatus, OrderType, Side, TimeInForce


def liquidate_where_due(state: State, out: Publication, now: int) -> None:
    """Check every account that holds a position."""
    for account in state.accounts.values():
        if not account.is_flat():
            margin = margin_of(state, account)
            if margin.maintenance >= margin.balance:
                _liquidate(state, out, account, margin.balance, now)


def _liquidate(state: State, out: Publication, account: Account, balance: Decimal, now: int) -> None:
    for resting in list(account.orders.values()):
        book = state.books[resting.order.instrument]
        cancel(out, account, book, resting, now, "CancelAllBeforeLiq", "EC_NoError")
    values = _position_values(state, account)
    total = sum(values.values(), ZERO)
    if total == 0:
        return
    for instrument, value in values.items():
        share = balance * value / total
        _take_over(state, out, account, state.books[instrument], share, now)


def _position_values(state: State, account: Account) -> dict[InstrumentId, Decimal]:
    """Value at mark in USD of each position that is not flat."""
    return {
        key: abs(holding.position.size) * (state.books[key].reference() or ZERO)
        * state.dollars(state.instruments[key].settle_coin)
        for key, holding in account.holdings.items()
        if holding.position.size != 0
    }  # fmt: skip


def _take_over(state: State, out: Publication, account: Account, book: Book, share: Decimal, now: int) -> None:
    position = account.holding(book.instrument).position
    side = Side.SELL if position.size > 0 else Side.BUY
    ticks = _bankruptcy_ticks(state, account, book, position.size, share)
    qty = abs(position.size)
    order = VenueOrder(
        uid=account.uid, order_id=state.ids.order_id(False), link_id="", instrument=position.instrument, side=side,
        type=OrderType.LIMIT, time_in_force=TimeInForce.IOC, qty=qty, price=book.grid.price(ticks),
        status=OrderStatus.NEW, created=now, updated=now, reduce_only=True, leaves=qty,
        last_price_on_created=book.last,
    )  # fmt: skip
    lots = book.grid.lots(qty)
    book_trade(state, out, account, book, order, Trade(ticks, lots, False, state.ids.next_seq(), now, "BustTrade"))


def _bankruptcy_ticks(state: State, account: Account, book: Book, size: Decimal, share: Decimal) -> int:
    """The price at which closing ``size``, fee included, costs exactly ``share`` (in USD) against the mark."""
    mark = book.reference() or ZERO
    per_unit = share / state.dollars(book.instrument.settle_coin) / size
    rate = account.fees.linear_taker
    if size > 0:
        return max(1, book.grid.ticks_above((mark - per_unit) / (1 - rate)))
    return max(1, book.grid.ticks_below((mark - per_unit) / (1 + rate)))
