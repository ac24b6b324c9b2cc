"""Mean reversion by the RSI: buys weakness, sells when it is over."""

from tradectl.engine.strategy import param
from tradectl.model.market_data import Bar
from tradectl.strategies.stopped import Stopped


class RsiReversion(Stopped):
    """Buys when the RSI falls below ``oversold``, leaves when it is back above ``middle`` or after ``patience`` bars.

    With ``short`` the mirror image too. The stop lies ``stop_percent`` from the close of the entry.
    """

    symbol: str = param("BTCUSDT", help="what to trade")
    interval: str = param("15m", help="candle interval")
    period: int = param(14, low=2, high=100, help="bars of the RSI")
    oversold: float = param(30.0, low=1, high=49, help="RSI below which to buy; 100 minus it to sell short")
    middle: float = param(50.0, low=20, high=80, help="RSI at which the move is over")
    patience: int = param(96, low=1, high=10000, help="bars after which it leaves in any case")
    stop_percent: float = param(3.0, low=0.1, high=50, help="distance of the stop, in percent")
    short: bool = param(False, help="sell strength too")

    def on_start(self) -> None:
        self.watch(self.symbol)
        self._rsi = self.subscribe_bars(self.symbol, self.interval).rsi(self.period)
        self.held = 0

    def on_bar(self, bar: Bar) -> None:
        side = self.side
        self.held = self.held + 1 if side else 0
        if side:
            self._leave_when_due(side, bar)
        elif self._rsi.crossed_below(self.oversold):
            self.enter(1, bar.close * (1 - self.stop_percent / 100), f"RSI below {self.oversold:g}")
        elif self.short and self._rsi.crossed_above(100 - self.oversold):
            self.enter(-1, bar.close * (1 + self.stop_percent / 100), f"RSI above {100 - self.oversold:g}")

    def _leave_when_due(self, side: int, bar: Bar) -> None:
        if (self._rsi.value - self.middle) * side >= 0:
            self.leave(f"RSI back at {self.middle:g}")
        elif self.held >= self.patience:
            self.leave(f"{self.patience} bars are over")
        elif self.passed_stop(bar):
            self.leave("close beyond the stop")
