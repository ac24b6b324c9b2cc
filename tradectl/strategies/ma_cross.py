"""Trend by two moving averages of any kind: long above, flat or short below."""

from collections.abc import Callable

from tradectl.engine.bar_series import BarSeries
from tradectl.engine.indicators import Indicator
from tradectl.engine.strategy import Strategy, param
from tradectl.model.market_data import Bar
from tradectl.strategies.signals import ArrayBars, Entry, Signals

KINDS: dict[str, Callable[[BarSeries, int], Indicator]] = {
    "sma": BarSeries.sma,
    "ema": BarSeries.ema,
    "wma": BarSeries.wma,
    "dema": BarSeries.dema,
    "tema": BarSeries.tema,
    "hma": BarSeries.hma,
    "vwma": BarSeries.vwma,
}


class MaCross(Strategy):
    """Long when the fast average crosses above the slow one; when it crosses below, flat, or short if allowed."""

    symbol: str = param("BTCUSDT", help="what to trade")
    interval: str = param("15m", help="candle interval")
    kind: str = param("sma", choices=tuple(KINDS), help="kind of both averages")
    fast: int = param(20, low=2, high=200, help="bars of the fast average")
    slow: int = param(50, low=3, high=400, help="bars of the slow average")
    short: bool = param(False, help="go short instead of flat")

    def on_start(self) -> None:
        _check(self)
        bars = self.subscribe_bars(self.symbol, self.interval)
        average = KINDS[self.kind]
        self._fast, self._slow = average(bars, self.fast), average(bars, self.slow)

    def on_bar(self, bar: Bar) -> None:
        held = self.position(self.symbol)
        if self._fast.crossed_above(self._slow) and held <= 0:
            self.target(self.symbol, weight=1.0, reason=f"fast {self.kind} crossed above slow")
        elif self._fast.crossed_below(self._slow) and held >= 0:
            self.target(self.symbol, weight=-1.0 if self.short else 0.0, reason=f"fast {self.kind} crossed below slow")

    @staticmethod
    def signals(bars: ArrayBars, p: "MaCross") -> Signals:
        """``on_bar`` for all bars at once."""
        _check(p)
        fast, slow = bars.average(p.kind, p.fast), bars.average(p.kind, p.slow)
        above, below = fast.crossed_above(slow), fast.crossed_below(slow)
        if p.short:
            return Signals(above, None, below, entry=Entry.SWITCH)
        return Signals(above, below, entry=Entry.SWITCH)


def _check(p: MaCross) -> None:
    if p.fast >= p.slow:
        raise ValueError(f"fast ({p.fast}) must be below slow ({p.slow})")
