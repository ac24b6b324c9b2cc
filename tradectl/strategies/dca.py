"""Cost averaging: buys a little at a time, whatever the price, and takes profit on the whole."""

from decimal import Decimal

from tradectl.engine.strategy import Strategy, param
from tradectl.model.commands import ExecutionBooked
from tradectl.model.market_data import Bar
from tradectl.model.orders import Side


class Dca(Strategy):
    """Buys ``part`` of its capital every ``every`` bars, at most ``most`` times; sells all ``profit`` over its average.

    The average is what was paid for what is held, fees apart. After the sale it begins anew. It has no stop: the most
    it can lose is what it was given.
    """

    symbol: str = param("BTCUSDT", help="what to collect")
    interval: str = param("1h", help="candle interval")
    every: int = param(24, low=1, high=10000, help="bars between purchases")
    part: float = param(0.05, low=0.001, high=1, help="part of the capital for each purchase")
    most: int = param(20, low=1, high=1000, help="purchases until it only waits")
    profit: float = param(3.0, low=0.1, high=1000, help="percent over the average at which it sells")

    def on_start(self) -> None:
        self.subscribe_bars(self.symbol, self.interval)
        self.paid = Decimal(0)
        self.bought = 0
        self.order = ""
        self.wait = 0

    def on_bar(self, bar: Bar) -> None:
        held = self.position(self.symbol)
        self.wait -= 1
        if held > 0 and bar.close >= float(self.paid / held) * (1 + self.profit / 100):
            self.close(self.symbol, reason=f"{self.profit:g} % over the average")
        elif self.wait <= 0 and self.bought < self.most and not bar.late:
            self.wait = self.every
            info = self.instrument(self.symbol)
            qty = info.floor_qty(self.capital * Decimal(repr(self.part)) / Decimal(repr(bar.close)))
            self.buy(self.symbol, qty, reason=f"purchase {self.bought + 1} of {self.most}")

    def on_execution(self, execution: ExecutionBooked) -> None:
        fill = execution.execution
        if fill.side is Side.BUY:
            self.paid += fill.value
            self.bought += fill.link_id != self.order  # an order may fill in parts
            self.order = fill.link_id
        elif not execution.position:
            self.paid, self.bought, self.wait = Decimal(0), 0, 0
