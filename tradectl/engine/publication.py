"""What changed is stated once at the end of a step: orders, positions, coins; and all of it anew after a restart."""

from tradectl.engine.books import Book
from tradectl.engine.order_state import Order, view
from tradectl.engine.strategy_host import StrategyHost
from tradectl.engine.world import KEEP_FINISHED, World
from tradectl.model.commands import BalanceChanged, PositionChanged
from tradectl.model.instruments import InstrumentId
from tradectl.model.market_data import MarketKey
from tradectl.model.money import ZERO


class Publication:
    """States what the step left changed."""

    def __init__(self, world: World, host: StrategyHost) -> None:
        self._w = world
        self._host = host
        #: Orders whose end was stated, where nobody follows them on their way.
        self._ended: dict[str, None] = {}

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
        stated, heard = w.audience.orders or self._is_over(order), w.hears(order.strategy, "on_order")
        if stated or heard:
            record = view(order, w.now)
            if stated:
                w.emit(record)
            if heard:
                w.deliveries.append((order.strategy, "on_order", record))
        for listen in w.on_order_change:
            listen(order)

    def _is_over(self, order: Order) -> bool:
        """Whether this is the moment an order ended and all its executions are here."""
        if order.is_open or order.misses_executions or order.link_id in self._ended:
            return False
        self._ended[order.link_id] = None
        if len(self._ended) > KEEP_FINISHED:
            del self._ended[next(iter(self._ended))]
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
