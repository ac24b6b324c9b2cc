"""Plain market orders that one displayed level fills whole, in a straight line: what a backtest does most.

To such an order it does all that :func:`tradectl.matching.order_entry.place` does, for who reads nothing of it but the
execution. Whatever is not plainly one, or might be refused, is left to the general way.
"""

from decimal import Decimal

from tradectl.matching.accounts import Account
from tradectl.matching.book import Book
from tradectl.matching.booking import pay, trade_position
from tradectl.matching.margin import margin_of
from tradectl.matching.margin_sums import ROUNDING
from tradectl.matching.order_checks import is_link
from tradectl.matching.records import Position
from tradectl.matching.state import DOLLARS, State
from tradectl.model.instruments import Category
from tradectl.model.money import ZERO, exact, to_coin
from tradectl.model.orders import Execution, OrderSpec, OrderType, Side

BUY, MARKET = Side.BUY, OrderType.MARKET
#: Displayed lots by key, of bids and of asks.
Sides = tuple[dict[int, int], dict[int, int]]
#: Of the mark, surely within the bound of a market order (:mod:`tradectl.matching.price_band`).
LOWEST, HIGHEST = 0.9501, 1.0499
#: Where a price as a float is so near to the mark, it passes for the dearer of both, and so much more is asked of it.
EQUAL, ALMOST = 1 - 1e-9, Decimal("1.000000002")


class AtOnce:
    """The straight line of one account through one market. Bound to the market's filters: a relisted one has another.

    What the size asked for last came to is kept: strategies ask for the same one again and again.
    """

    __slots__ = ("_account", "_asked", "_book", "_coin", "_is_possible", "_leg", "_lots", "_qty", "_state", "_tick")

    def __init__(self, state: State, account: Account, book: Book) -> None:
        self._state, self._account, self._book = state, account, book
        instrument = book.instrument
        self._leg, self._coin = book.legs[0], instrument.settle_coin
        self._is_possible = (
            instrument.id.category is Category.LINEAR and instrument.status == "Trading" and self._coin in DOLLARS
        )
        self._asked = self._qty = ZERO
        self._lots, self._tick = 0, float(book.grid.tick)

    def fill(self, asked: OrderSpec, now: int, mark: float, shown: Sides | None) -> Execution | None:
        """The one execution that completes the order; ``None``, and nothing changed, where it takes more to say.

        ``mark`` is where the mark stands, whether the exchange was told or not. ``shown`` is what the order finds,
        best level first, and is not kept; ``None``: what is displayed.
        """
        book, buys, qty = self._book, asked.side is BUY, asked.qty
        holding = self._account.holdings.get(self._leg)
        if holding is None or not self._is_plain(asked):
            return None
        lots = self._lots if qty == self._asked else self._lots_of(qty)
        displayed = book.asks if buys else book.bids
        sizes = displayed.sizes if shown is None else shown[1] if buys else shown[0]
        level = displayed.best() if shown is None else next(iter(sizes), None)
        if level is None or not 0 < lots <= (sizes[level] if shown else displayed.available(level)):
            return None
        ticks, position = level if buys else -level, holding.position
        price, size, near = ticks * book.grid.tick, position.size, ticks * self._tick
        if not LOWEST < near / mark < HIGHEST:
            return None
        closes = abs(size) if size and (size > ZERO) is not buys else ZERO
        if qty > closes:
            dearer = exact(mark) if near < mark * EQUAL else price
            if asked.reduce_only or not self._is_affordable(qty, closes, position, dearer, mark):
                return None
        if shown is None:
            displayed.take(level, lots)
        return self._booked(asked, position, buys, ticks, price, now)

    def _is_plain(self, asked: OrderSpec) -> bool:
        """A market order with nothing attached, for the one position, where nobody waits."""
        account, book, link_id = self._account, self._book, asked.link_id
        return not (
            asked.type is not MARKET
            or book.buys.keys
            or book.sells.keys
            or book.conditionals
            or not self._is_possible
            or asked.trigger is not None
            or asked.protection is not None
            or asked.position_idx
            or asked.quote_qty
            or asked.close_on_trigger
            or account.hedge
            or account.hedge_coins
            or link_id in account.open_links
            or link_id in account.used_links
            or (link_id and not is_link(link_id))
        )

    def _lots_of(self, qty: Decimal) -> int:
        """A size in lots; 0 for one that may not be asked for."""
        instrument, lot = self._book.instrument, self._book.grid.lot
        if not qty.is_finite() or not instrument.min_qty <= qty <= instrument.max_market_qty:
            return 0
        lots = int(qty / lot)
        if lots * lot != qty:
            return 0
        self._asked, self._qty, self._lots = qty, lots * lot, lots
        return lots

    def _is_affordable(self, qty: Decimal, closes: Decimal, position: Position, dearer: Decimal, mark: float) -> bool:
        """Whether an order of which ``closes`` reduces the position surely is worth enough and can be paid whole;
        ``dearer`` is that of its price and the mark that is."""
        if qty * dearer < self._book.instrument.min_notional:
            return False
        adding, taker = (qty - closes) * dearer * ALMOST, self._account.fees.linear_taker
        need = adding / position.leverage + adding * taker * 2  # what is rounded here and there is in ROUNDING
        return need + ROUNDING <= self._available(position, mark, taker)

    def _available(self, position: Position, at: float, taker: Decimal) -> Decimal:
        """The margin that is free, to less than half of ROUNDING; without the sums of all legs where there is one.
        Nothing where those do not know the mark yet."""
        account, size = self._account, position.size
        wallet = account.wallets.get(self._coin)
        if wallet is None or len(account.wallets) > 1 or len(account.holdings) > 1:
            return margin_of(self._state, account).available if self._book.mark == exact(at) else ZERO
        if not size:
            return wallet.balance
        value = abs(size) * exact(at)
        initial = value / position.leverage + value * taker
        return wallet.balance + (value if size > ZERO else -value) - position.cost - initial

    def _booked(
        self, asked: OrderSpec, position: Position, buys: bool, ticks: int, price: Decimal, now: int
    ) -> Execution:
        state, account, book, qty, coin = self._state, self._account, self._book, self._qty, self._coin
        if state.remember_links:
            account.remember_link(asked.link_id)
        order_id, exec_id, seq = state.ids.whole_fill()
        rate, value = account.fees.linear_taker, ticks * self._lots * book.grid.tick_lot
        fee = to_coin(value * rate)
        pnl, closed = trade_position(state, book, position, buys, ticks, qty, value, fee, seq, now)
        pay(state, account, coin, pnl - fee, fee, True)
        return Execution(
            exec_id, asked.instrument, order_id, asked.link_id, asked.side, price, qty, value, fee, coin, False, now,
            "Trade", closed, pnl, rate, "", "CreateByUser",
        )  # fmt: skip
