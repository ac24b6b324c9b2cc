"""Breakout of the channel of the last bars, in the manner of the turtle traders."""

from tradectl.engine.strategy import param
from tradectl.model.market_data import Bar
from tradectl.strategies.stopped import Stopped


class DonchianBreakout(Stopped):
    """Enters on a close beyond the channel of ``entry`` bars, leaves on one beyond the opposite side of ``exit`` bars.

    The stop lies ``stop`` ATRs from the close of the entry.
    """

    symbol: str = param("BTCUSDT", help="what to trade")
    interval: str = param("15m", help="candle interval")
    entry: int = param(20, low=2, high=500, help="bars of the channel to break out of")
    exit: int = param(10, low=2, high=500, help="bars of the channel that ends it")
    atr: int = param(20, low=2, high=200, help="bars of the ATR")
    stop_atr: float = param(2.0, low=0.1, high=20, help="distance of the stop, in ATRs")
    short: bool = param(False, help="trade breakouts downwards too")

    def on_start(self) -> None:
        self.watch(self.symbol)
        bars = self.subscribe_bars(self.symbol, self.interval)
        self._entry, self._exit, self._atr = bars.donchian(self.entry), bars.donchian(self.exit), bars.atr(self.atr)

    def on_bar(self, bar: Bar) -> None:
        side, away = self.side, self.stop_atr * self._atr.value
        if side > 0 and (bar.close < self._exit.lower.previous or self.passed_stop(bar)):
            self.leave("close below the exit channel")
        elif side < 0 and (bar.close > self._exit.upper.previous or self.passed_stop(bar)):
            self.leave("close above the exit channel")
        elif side == 0 and bar.close > self._entry.upper.previous:
            self.enter(1, bar.close - away, f"close above the high of {self.entry} bars")
        elif side == 0 and self.short and bar.close < self._entry.lower.previous:
            self.enter(-1, bar.close + away, f"close below the low of {self.entry} bars")
