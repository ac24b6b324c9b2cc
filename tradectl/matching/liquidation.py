"""Liquidation of a cross margin account whose maintenance margin reached its margin balance (bybit-v5 6.1).

Every order is cancelled, then each position is taken over at its bankruptcy price: the mark
moved by the position's share (by value) of what the account is worth, so that the account is left with nothing but
rounding. The tick is rounded in the account's favour. Positions are not reduced in tiers first.
"""

from decimal import Decimal

from tradectl.matching.accounts import Account, Leg
from tradectl.matching.book import Book
from tradectl.matching.booking import Trade, book_trade
from tradectl.matching.conditional_life import cancel_conditional
from tradectl.matching.margin import Margin, margin_of, position_value, sums_of
from tradectl.matching.margin_sums import ROUNDING, AccountSums
from tradectl.matching.order_checks import LARGEST
from tradectl.matching.order_life import cancel
from tradectl.matching.publication import Publication
from tradectl.matching.records import VenueOrder
from tradectl.matching.state import DOLLARS, State
from tradectl.model.money import ZERO
from tradectl.model.orders import OrderStatus, OrderType, Side, TimeInForce

#: The slack of an account without a position: no price can take it, only a fill.
FOREVER = Decimal("Infinity")


def liquidate_where_due(state: State, out: Publication, now: int) -> None:
    """Check every account that holds a position, and may have lost what lay between it and its liquidation."""
    for account in state.accounts.values():
        known = state.sums.get(account.uid)
        if known is not None and known.slack > 0:
            continue
        sums = sums_of(state, account)
        if not sums.held:
            sums.slack = FOREVER
            continue
        margin = margin_of(state, account)
        if margin.maintenance >= margin.balance:
            _liquidate(state, out, account, margin.balance, now)
        else:
            sums.slack = _slack(state, account, sums, margin)


def _slack(state: State, account: Account, sums: AccountSums, margin: Margin) -> Decimal:
    """How much the account can lose before it has to be looked at again; 0 where prices of coins come into it, or a
    price that moves unseen."""
    coins = [wallet.coin for wallet in account.wallets.values() if wallet.balance]
    if state.changed or not all(coin in DOLLARS for coin in (*coins, *sums.coins)):
        return ZERO
    return margin.safety - ROUNDING * len(sums.legs)


def _liquidate(state: State, out: Publication, account: Account, balance: Decimal, now: int) -> None:
    for resting in list(account.orders.values()):
        book = state.books[resting.order.instrument]
        cancel(out, account, book, resting, now, "CancelAllBeforeLiq", "EC_NoError")
    for waiting in list(account.conditionals.values()):
        book = state.books[waiting.order.instrument]
        cancel_conditional(out, account, book, waiting, now, "CancelAllBeforeLiq", "EC_NoError")
    values = _position_values(state, account)
    total = sum(values.values(), ZERO)
    if total == 0:
        return
    for leg, value in values.items():
        _take_over(state, out, account, leg, balance * value / total, now)


def _position_values(state: State, account: Account) -> dict[Leg, Decimal]:
    """Value at mark in USD of each position that is not flat."""
    return {
        leg: position_value(state, holding) * state.dollars(state.instruments[leg.instrument].settle_coin)
        for leg, holding in account.holdings.items()
        if holding.position.size != 0
    }  # fmt: skip


def _take_over(state: State, out: Publication, account: Account, leg: Leg, share: Decimal, now: int) -> None:
    book = state.books[leg.instrument]
    position = account.holding(book.instrument, leg.idx).position
    side = Side.SELL if position.size > 0 else Side.BUY
    ticks = _bankruptcy_ticks(state, account, book, position.size, share)
    qty = abs(position.size)
    order = VenueOrder(
        uid=account.uid, order_id=state.ids.order_id(False), link_id="", instrument=position.instrument, side=side,
        type=OrderType.LIMIT, time_in_force=TimeInForce.IOC, qty=qty, price=book.grid.price(ticks),
        status=OrderStatus.NEW, created=now, updated=now, reduce_only=True, leaves=qty,
        last_price_on_created=book.last, position_idx=leg.idx, create_type="CreateByTakeOver_PassThrough",
    )  # fmt: skip
    lots = book.grid.lots(qty)
    book_trade(state, out, account, book, order, Trade(ticks, lots, False, state.ids.next_seq(), now, "BustTrade"))


def _bankruptcy_ticks(state: State, account: Account, book: Book, size: Decimal, share: Decimal) -> int:
    """The price at which closing ``size``, fee included, costs exactly ``share`` (in USD) against the mark."""
    mark, rate = book.reference() or ZERO, account.fees.linear_taker
    in_coin = share / state.dollars(book.instrument.settle_coin)
    if book.grid.inverse:
        return _inverse_bankruptcy_ticks(book, size, size / mark + in_coin, rate)
    per_unit = in_coin / size
    if size > 0:
        return max(1, book.grid.ticks_above((mark - per_unit) / (1 - rate)))
    return max(1, book.grid.ticks_below((mark - per_unit) / (1 + rate)))


def _inverse_bankruptcy_ticks(book: Book, size: Decimal, coins: Decimal, rate: Decimal) -> int:
    """Where closing ``size`` USD, fee included, takes ``coins``. A short never loses more coins than it is worth: when
    the share exceeds that, there is no such price and the highest one stands for it."""
    highest = book.instrument.max_price or LARGEST
    price = (size + abs(size) * rate) / coins if coins * size > 0 else highest
    price = min(price, highest)
    return max(1, book.grid.ticks_above(price) if size > 0 else book.grid.ticks_below(price))
