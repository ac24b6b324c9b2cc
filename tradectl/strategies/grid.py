"""A grid of resting orders around a price: buys each step down, sells each of them one step up."""

from decimal import Decimal

from tradectl.engine.strategy import Strategy, param
from tradectl.model.commands import OrderChanged
from tradectl.model.market_data import Bar
from tradectl.model.orders import OrderStatus, Side


class Grid(Strategy):
    """``levels`` buy orders ``step`` percent apart below the first close; what one buys is sold a step above it.

    A close ``stop`` percent below the lowest level sells everything and ends the grid for good. Orders are compared
    with what should rest there on every bar and after every fill, so that nothing is missing or double after a restart.
    """

    symbol: str = param("BTCUSDT", help="what to trade")
    interval: str = param("5m", help="candle interval at which the orders are looked after")
    levels: int = param(8, low=1, high=25, help="buy orders below the price")
    step: float = param(0.5, low=0.05, high=20, help="distance of the levels, in percent")
    stop: float = param(5.0, low=0.1, high=50, help="percent below the lowest level at which it gives up")

    def on_start(self) -> None:
        self.subscribe_bars(self.symbol, self.interval)
        self.prices: list[Decimal] = []
        self.full: list[bool] = []
        self.qty = Decimal(0)
        self.over = False

    def on_bar(self, bar: Bar) -> None:
        if self.over:
            return
        if not self.prices:
            self._lay(bar.close)
        if bar.close < float(self.prices[-1]) * (1 - self.stop / 100):
            self.over = True
            self.close(self.symbol, reason="below the grid")
        else:
            self._tend(bar.close)

    def on_order(self, order: OrderChanged) -> None:
        if order.status is OrderStatus.FILLED and order.price in self.prices and not self.over:
            bought = order.side is Side.BUY
            self.full[self.prices.index(order.price) - bought] = bought
            self._tend(float(order.price))

    def _lay(self, price: float) -> None:
        """Fix levels and size: level 0 only sells; each lower one buys, and sells at the one above."""
        info = self.instrument(self.symbol)
        exact = [Decimal(repr(price * (1 - self.step / 100) ** n)) for n in range(self.levels + 1)]
        self.prices = [info.passive_price(p, buy=True) for p in exact]
        if len(set(self.prices)) <= self.levels:
            raise ValueError(f"step: {self.step:g} % of {price:g} is less than a tick of {info.tick_size}")
        self.full = [False] * self.levels
        self.qty = info.floor_qty(self.capital / self.levels / self.prices[0])

    def _tend(self, price: float) -> None:
        """Place what should rest and does not; a buy above the market waits until the market is above it."""
        resting = {(o.side, o.price) for o in self.orders}
        for at, full in enumerate(self.full):
            side, level = (Side.SELL, self.prices[at]) if full else (Side.BUY, self.prices[at + 1])
            if (side, level) in resting or (side is Side.BUY and float(level) >= price):
                continue
            send = self.sell if full else self.buy
            send(self.symbol, self.qty, level, reduce_only=full, reason=f"grid level {at + 1}")
