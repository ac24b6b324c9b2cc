"""What changed is stated once at the end of a step: orders, positions, coins; and all of it anew after a restart."""

from tradectl.engine.books import Book
from tradectl.engine.order_state import Order, view
from tradectl.engine.strategy_host import StrategyHost
from tradectl.engine.world import KEEP_FINISHED, World
from tradectl.model.commands import BalanceChanged, PositionChanged
from tradectl.model.instruments import InstrumentId
from tradectl.model.market_data import MarketKey
from tradectl.model.money import ZERO
from tradectl.model.orders import FINAL


class Publication:
    """States what the step left changed."""

    def __init__(self, world: World, host: StrategyHost) -> None:
        self._w = world
        self._host = host
        #: Orders whose end was stated, where nobody follows them on their way: the newest, and as many before them.
        self._ended: set[str] = set()
        self._ended_before: set[str] = set()

    def orders(self) -> None:
        """Each order that changed, once, and to whoever it concerns."""
        w = self._w
        while w.dirty_orders:
            link = next(iter(w.dirty_orders))
            del w.dirty_orders[link]
            order = w.orders.get(link)
            if order is not None:
                self._order(order)

    def _order(self, order: Order) -> None:
        w = self._w
        if not w.hears(order.strategy, "on_order"):
            self.unheard(order)
            return
        record = view(order, w.now)
        if self._is_stated(order):
            w.emit(record)
        w.deliveries.append((order.strategy, "on_order", record))
        for listen in w.on_order_change:
            listen(order)

    def unheard(self, order: Order) -> None:
        """State an order that changed, of whom no strategy wants to hear."""
        w = self._w
        if self._is_stated(order):
            w.out.append(view(order, w.now))
        for listen in w.on_order_change:
            listen(order)

    def _is_stated(self, order: Order) -> bool:
        """Whether it is: each change, or the moment an order ended and all its executions are here."""
        if self._w.audience.orders:
            return True
        link, ended = order.spec.link_id, self._ended
        if order.status not in FINAL or order.cum_qty > order.booked or link in ended or link in self._ended_before:
            return False
        ended.add(link)
        if len(ended) == KEEP_FINISHED:
            self._ended_before, self._ended = ended, set()
        return True

    def books(self) -> None:
        """Each position and coin that changed."""
        w = self._w
        if not w.audience.positions:
            self._follow_held()
        for strategy, instrument in w.dirty_books if w.audience.positions else ():
            own = w.portfolio.book(strategy, instrument) if strategy else None
            for idx, book in w.portfolio.positions_of(instrument) if own is None else ((0, own),):
                self._book(strategy, instrument, idx, book)
        for coin in w.dirty_coins:
            pair = w.valuation.pair_of(coin) if coin != w.config.settle_coin else None
            if pair is not None and w.portfolio.state.cash.get(coin):
                self._host.subscribe(MarketKey("ticker", pair))
            if w.audience.positions:
                w.emit(BalanceChanged(w.now, coin, w.portfolio.state.cash.get(coin, ZERO)))
        w.dirty_books.clear()
        w.dirty_coins.clear()

    def _follow_held(self) -> None:
        """What is held is followed, whoever listens."""
        w = self._w
        for strategy, instrument in w.dirty_books:
            if w.portfolio.is_open(instrument, strategy):
                self._host.follow(instrument)

    def _book(self, strategy: str, instrument: InstrumentId, idx: int, book: Book) -> None:
        w = self._w
        if idx and book == Book():
            return  # a leg on which nothing ever happened
        if book.size:
            self._host.follow(instrument)
        ticker = w.market.ticker(instrument)
        mark = (ticker.mark or ticker.last) if ticker is not None else 0.0
        w.emit(
            PositionChanged(
                w.now, strategy, instrument, book.size, book.cost, book.realised, book.fees, book.funding, mark, idx
            )
        )

    def restate(self) -> None:
        """State again all that is so: whoever follows the stream from here begins with the whole picture."""
        w = self._w
        for order in w.open_orders():
            w.emit(view(order, w.now))
        books = [(name, i) for name, own in w.portfolio.state.books.items() for i in own]
        w.dirty_books.update(dict.fromkeys([*books, *(("", i) for i in w.portfolio.state.nets)]))
        w.dirty_coins.update(dict.fromkeys(w.portfolio.state.cash))
        w.state_dirty = True
        self._host.publish_all()
