"""Books one execution: cash, fee, position, order and transaction log of one user, with the market on the other side.

Fees (bybit-v5 9): derivatives in the settle coin; spot a buy in base and a sell in quote, and a maker's rebate in the
other coin. Each fee is rounded half-even to eight decimals.
"""

from decimal import Decimal

from msgspec import Struct

from tradectl.matching import position_cost
from tradectl.matching.accounts import Account, Holding
from tradectl.matching.book import Book
from tradectl.matching.publication import Publication
from tradectl.matching.records import Fill, LedgerEntry, Position, VenueOrder, Wallet
from tradectl.matching.state import State
from tradectl.model.money import ZERO, to_coin
from tradectl.model.orders import OrderStatus, OrderType, Side

#: Execution types that the transaction log names differently (bybit-v5 7.3).
LEDGER_TYPES = {"Trade": "TRADE", "Funding": "SETTLEMENT", "BustTrade": "LIQUIDATION"}


BUY, MARKET = Side.BUY, OrderType.MARKET
FILLED, PARTIALLY_FILLED = OrderStatus.FILLED, OrderStatus.PARTIALLY_FILLED


class Trade(Struct, frozen=True, gc=False):
    """One side of a match, in whole ticks and lots; ``seq`` is shared by both sides."""

    ticks: int
    lots: int
    maker: bool
    seq: int
    now: int
    type: str = "Trade"


def book_trade(state: State, out: Publication, account: Account, book: Book, order: VenueOrder, trade: Trade) -> Fill:
    """Book ``trade`` for ``order``, whose ``cum_*``, ``leaves``, fees and status are updated."""
    grid, spot = book.grid, book.is_spot
    price, qty, value = trade.ticks * grid.tick, trade.lots * grid.lot, grid.value(trade.ticks, trade.lots)
    rate = account.fee_rate(spot, trade.maker)
    pnl, closed = ZERO, ZERO
    if spot:
        fee_coin, fee = _spot_fee(book, order.side, rate, qty, value)
        _fill_order(order, qty, value, fee_coin, fee, trade.now)
    else:
        fee_coin, fee = book.instrument.settle_coin, to_coin(value * rate)
        _fill_order(order, qty, value, fee_coin, fee, trade.now)
        holding = account.holdings.get(book.legs[order.position_idx]) or account.holding(
            book.instrument, order.position_idx
        )
        pnl, closed = trade_position(
            state, book, holding.position, order.side is BUY, trade.ticks, qty, value, fee, trade.seq, trade.now
        )  # fmt: skip
        if out.wanted.positions:
            out.position(holding.position)
    fill = Fill(  # in the order of the fields: naming them all takes longer than everything else here
        state.ids.execution_id(), account.uid, order.instrument, order.order_id, order.link_id, order.side,
        "Market" if order.type is MARKET else "Limit", order.price or ZERO, order.qty, order.leaves, price, qty, value,
        fee, fee_coin, rate, trade.maker, trade.now, trade.seq, trade.type, closed, pnl, book.mark or ZERO,
        order.position_idx, order.stop_order_type, order.create_type,
    )  # fmt: skip
    out.fill(fill)
    out.order(order)
    if spot:
        _move_coins(state, out, account, book, fill)
    else:
        move_cash(state, out, account, book, fill, coin=fee_coin, cash_flow=pnl, fee=fee, qty=qty)
    return fill


def move_cash(
    state: State,
    out: Publication,
    account: Account,
    book: Book,
    fill: Fill,
    *,
    coin: str,
    cash_flow: Decimal = ZERO,
    funding: Decimal = ZERO,
    fee: Decimal = ZERO,
    qty: Decimal = ZERO,
) -> None:
    """Move ``cash_flow + funding - fee`` into the wallet, against the market and the fee account, with its log row."""
    change = cash_flow + funding - fee
    wallet = pay(state, account, coin, change, fee, not book.is_spot)
    if out.wanted.wallets:
        out.wallet(wallet)
    if not out.wanted.ledger:
        state.ids.rows += 1  # as if it had been written
        return
    out.ledger(
        LedgerEntry(  # in the order of the fields, as in book_trade
            state.ids.row_id(account.uid, fill.instrument.symbol), account.uid, LEDGER_TYPES[fill.type], coin, change,
            wallet.balance, fill.ts, fill.instrument, fill.side.value, qty,
            account.size(fill.instrument, fill.position_idx), fill.price, funding, fee, cash_flow, fill.fee_rate,
            fill.exec_id, fill.order_id, fill.link_id,
        )
    )  # fmt: skip


def _fill_order(order: VenueOrder, qty: Decimal, value: Decimal, fee_coin: str, fee: Decimal, now: int) -> None:
    order.cum_qty += qty
    order.cum_value += value
    order.leaves -= value if order.quote_qty else qty
    fees = order.fees
    fees[fee_coin] = fees.get(fee_coin, ZERO) + fee
    order.status = PARTIALLY_FILLED if order.leaves else FILLED
    order.updated = now


def pay(state: State, account: Account, coin: str, change: Decimal, fee: Decimal, realised: bool) -> Wallet:
    """Move ``change``, of which ``fee`` is taken off already, into the wallet; ``realised`` counts it as profit."""
    wallet = account.wallets.get(coin) or account.wallet(coin)
    wallet.balance += change
    if realised:
        wallet.cum_realised += change
    state.market.pay(coin, change + fee, fee)
    state.cash_moved(account.uid)
    return wallet


def trade_position(
    state: State, book: Book, position: Position, buys: bool, ticks: int, qty: Decimal, value: Decimal, fee: Decimal,
    seq: int, now: int,
) -> tuple[Decimal, Decimal]:  # fmt: skip
    """Trade ``qty`` for ``value``, both unsigned, at ``ticks``; returns the realised profit and the closed size."""
    size, cost, grid, realised, closed = position.size, position.cost, book.grid, ZERO, ZERO
    if not buys:
        qty = -qty
    if buys is grid.inverse:
        value = -value  # as Grid.signed_value
    state.market.mirror(position.instrument, qty, value)
    if not size or (size > ZERO) is buys:
        after = size + qty
        position.size, position.cost = after, cost + value
    else:
        closing = value
        if abs(size) < abs(qty):
            closing = grid.signed_value(qty, grid.value(ticks, grid.lots(abs(size))))
        traded = position_cost.trade(size, cost, qty, value, closing)
        after, realised, closed = traded.size, traded.realised, traded.closed
        position.size, position.cost = after, traded.cost
    gain = realised - fee
    position.cum_realised += gain
    if not size:
        position.realised, position.opened = gain, now
    elif after and (after > ZERO) is not (size > ZERO):
        # A flip closes one position and opens another: the fee is shared by size, the last digit to the new one.
        position.realised, position.opened = to_coin(fee * closed / abs(qty)) - fee, now
    else:
        position.realised += gain
    position.seq, position.updated = seq, now
    if not position.created:
        position.created = now
    book.touch(position.uid, position.position_idx)
    return realised, closed


def touch_position(out: Publication, holding: Holding, seq: int, now: int) -> None:
    """Stamp a changed position and publish it."""
    position = holding.position
    position.seq, position.updated = seq, now
    position.created = position.created or now
    if out.wanted.positions:
        out.position(position)


def _spot_fee(book: Book, side: Side, rate: Decimal, qty: Decimal, value: Decimal) -> tuple[str, Decimal]:
    instrument = book.instrument
    if (side is BUY) == (rate >= 0):
        return instrument.base_coin, to_coin(qty * rate)
    return instrument.quote_coin, to_coin(value * rate)


def _move_coins(state: State, out: Publication, account: Account, book: Book, fill: Fill) -> None:
    """Both coins of a spot trade, each with its own log row; ``qty`` is signed on spot."""
    sign = fill.side.sign
    base, quote = book.instrument.base_coin, book.instrument.quote_coin
    base_fee = fill.fee if fill.fee_coin == base else ZERO
    quote_fee = fill.fee if fill.fee_coin == quote else ZERO
    qty = sign * fill.qty
    move_cash(state, out, account, book, fill, coin=base, cash_flow=qty, fee=base_fee, qty=qty)
    move_cash(state, out, account, book, fill, coin=quote, cash_flow=-sign * fill.value, fee=quote_fee, qty=qty)
