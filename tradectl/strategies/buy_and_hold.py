"""Buys once with all of its capital and keeps: the yardstick for every other strategy."""

from tradectl.engine.strategy import Strategy, param
from tradectl.model.market_data import Bar


class BuyAndHold(Strategy):
    """Buys on the first bar that arrives in time, then does nothing more; a refused purchase is tried again."""

    symbol: str = param("BTCUSDT", help="what to buy")
    interval: str = param("1m", help="candle interval whose close triggers the purchase")

    def on_start(self) -> None:
        self.subscribe_bars(self.symbol, self.interval)

    def on_bar(self, bar: Bar) -> None:
        if not bar.late and not self.position(self.symbol) and not self.orders:
            self.target(self.symbol, weight=1.0, reason="buy and hold")
