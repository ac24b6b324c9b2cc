"""Oscillators with a signal line: MACD, the stochastics, and the stochastic of the RSI."""

import math

from tradectl.engine.indicators.indicator import Indicator, memory, whole
from tradectl.engine.indicators.kernels import Window, exponential
from tradectl.engine.indicators.momentum import RelativeStrength
from tradectl.model.market_data import Bar


class Macd(Indicator):
    """MACD: fast minus slow EMA of the close; ``signal`` is its EMA and ``histogram`` the difference (Appel).

    Both averages have their first value at the same bar, as in TA-Lib: the fast one skips the oldest closes.
    """

    def __init__(self, fast: int = 12, slow: int = 26, signal: int = 9) -> None:
        whole("macd", "fast", fast)
        whole("macd", "slow", slow, fast + 1)
        forget = memory(2.0 / (slow + 1)) + memory(2.0 / (whole("macd", "signal", signal) + 1))
        super().__init__(slow + signal + forget, f"macd({fast},{slow},{signal})")
        self.signal, self.histogram = self._line("signal"), self._line("histogram")
        self._skip = Window(slow - fast + 1)
        self._fast, self._slow, self._average = exponential(fast), exponential(slow), exponential(signal)
        self._parts = (self._skip, self._fast, self._slow, self._average)

    def _next(self, bar: Bar) -> float:
        fast = self._fast.push(bar.close) if self._skip.push(bar.close) else math.nan
        value = fast - self._slow.push(bar.close)
        self.histogram.put(value - self.signal.put(self._average.push(value)))
        return value


def _place(value: float, low: float, high: float) -> float:
    """Where a value lies in a range, 0 to 100; the middle when there is no range."""
    return 100.0 * (value - low) / (high - low) if high > low else 50.0


class Stochastic(Indicator):
    """%K: the close's place in the range of ``period`` bars, averaged over ``smooth``; ``d`` is its average (Lane).

    ``smooth`` 1 is the fast stochastic, 3 the slow one.
    """

    def __init__(self, period: int = 14, smooth: int = 3, signal: int = 3) -> None:
        warm = whole("stochastic", "period", period) + whole("stochastic", "smooth", smooth) - 1
        warm += whole("stochastic", "signal", signal) - 1
        super().__init__(warm, f"stochastic({period},{smooth},{signal})")
        self.d = self._line("d")
        self._highs, self._lows = Window(period), Window(period)
        self._smooth, self._signal = Window(smooth), Window(signal)
        self._parts = (self._highs, self._lows, self._smooth, self._signal)

    def _next(self, bar: Bar) -> float:
        self._lows.push(bar.low)
        if not self._highs.push(bar.high):
            return math.nan
        place = _place(bar.close, min(self._lows.values), max(self._highs.values))
        value = self._smooth.mean(place)
        self.d.put(self._signal.mean(value))
        return value


class StochasticRsi(Indicator):
    """The RSI's place in its own range of ``period`` bars, 0 to 100; ``d`` is its average (Chande and Kroll 1994)."""

    def __init__(self, rsi: int = 14, period: int = 14, signal: int = 3) -> None:
        warm = whole("stoch_rsi", "rsi", rsi) + 1 + memory(1.0 / rsi) + whole("stoch_rsi", "period", period) - 1
        super().__init__(warm + whole("stoch_rsi", "signal", signal) - 1, f"stoch_rsi({rsi},{period},{signal})")
        self.d = self._line("d")
        self._strength = RelativeStrength(rsi)
        self._window, self._signal = Window(period), Window(signal)
        self._parts = (self._strength, self._window, self._signal)

    def _next(self, bar: Bar) -> float:
        strength = self._strength.push(bar.close)
        if not self._window.push(strength):
            return math.nan
        value = _place(strength, min(self._window.values), max(self._window.values))
        self.d.put(self._signal.mean(value))
        return value
