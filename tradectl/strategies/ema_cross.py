"""Long above, flat below: the crossing of two exponential moving averages."""

from tradectl.engine.strategy import Strategy, param
from tradectl.model.market_data import Bar
from tradectl.strategies.signals import ArrayBars, Signals


class EmaCross(Strategy):
    """Long while the fast EMA is above the slow one, flat below; acts on the crossing bar alone."""

    symbol: str = param("BTCUSDT", help="what to trade")
    interval: str = param("1m", help="candle interval")
    fast: int = param(10, low=2, high=50, help="bars of the fast EMA")
    slow: int = param(30, low=5, high=200, help="bars of the slow EMA")

    def on_start(self) -> None:
        bars = self.subscribe_bars(self.symbol, self.interval)
        self._fast, self._slow = bars.ema(self.fast), bars.ema(self.slow)

    def on_bar(self, bar: Bar) -> None:
        if self._fast.crossed_above(self._slow):
            self.target(self.symbol, weight=1.0, reason="fast EMA crossed above slow")
        elif self._fast.crossed_below(self._slow):
            self.close(self.symbol, reason="fast EMA crossed below slow")

    @staticmethod
    def signals(bars: ArrayBars, p: "EmaCross") -> Signals:
        """``on_bar`` for all bars at once."""
        fast, slow = bars.ema(p.fast), bars.ema(p.slow)
        return Signals(fast.crossed_above(slow), fast.crossed_below(slow))
