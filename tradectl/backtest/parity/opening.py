"""The account of a backtest as the recorded run found its own: the same coins and the same positions."""

from decimal import Decimal

from tradectl.matching.exchange import Exchange
from tradectl.matching.records import NewOrder
from tradectl.model.instruments import Instrument, InstrumentId
from tradectl.model.money import ZERO
from tradectl.model.orders import OrderType, Side, TimeInForce
from tradectl.model.positions import BalanceReport, PositionReport

#: Lends what opening the positions costs; taken back at the end.
_LOAN = Decimal(10) ** 12


def take_over(
    exchange: Exchange, uid: str, balances: tuple[BalanceReport, ...], positions: tuple[PositionReport, ...], now: int
) -> None:
    """Bring the empty account ``uid`` to these balances and positions.

    A position is bought at its entry price, which is what the venue states: rounded to the tick. What that cost in
    fees is given back. Raises ``Refused`` when the venue would not have it so.
    """
    held = [it for it in positions if it.size and it.avg_price and it.instrument in exchange.instruments]
    coins = {it.coin: it.wallet for it in balances if it.wallet}
    lent = {exchange.instruments[it.instrument].settle_coin for it in held}
    for coin in sorted(lent):
        exchange.deposit(uid, coin, _LOAN, now)
    for position in held:
        _open(exchange, uid, exchange.instruments[position.instrument], position, now)
    for coin in sorted({*coins, *lent}):
        missing = coins.get(coin, ZERO) - exchange.wallet(uid, coin).balance
        if missing:
            exchange.deposit(uid, coin, missing, now)


def _open(exchange: Exchange, uid: str, it: Instrument, position: PositionReport, now: int) -> None:
    assert position.avg_price is not None
    price = round(position.avg_price / it.tick_size) * it.tick_size
    tick = int(price / it.tick_size)
    left, side = abs(position.size), Side.BUY if position.size > 0 else Side.SELL
    lots = int(left / it.lot_size)
    exchange.show(it.id, {-tick: lots}, {tick: lots})
    exchange.set_mark(it.id, price, price, now)
    while left:
        qty = min(left, it.max_market_qty)
        exchange.place(uid, _order(it.id, side, qty, price, position.position_idx), now)
        left -= qty
    exchange.show(it.id, {}, {})


def _order(i: InstrumentId, side: Side, qty: Decimal, price: Decimal, idx: int) -> NewOrder:
    return NewOrder(i, side, OrderType.LIMIT, qty, price, TimeInForce.IOC, position_idx=idx)
