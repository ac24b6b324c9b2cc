"""How much the price moves: ATR, in price and in percent, and realised volatility."""

import math

from tradectl.engine.indicators.indicator import Indicator, memory, positive, whole
from tradectl.engine.indicators.kernels import Before, Window, true_range, wilder
from tradectl.model.market_data import Bar

_YEAR = 365 * 86_400_000_000_000


class AverageTrueRange(Indicator):
    """ATR, Wilder's average of the true range, in price; ``percent`` is NATR, the same in percent of the close."""

    def __init__(self, period: int = 14) -> None:
        super().__init__(whole("atr", "period", period) + 1 + memory(1.0 / period), f"atr({period})")
        self.percent = self._line("percent")
        self._before, self._average = Before(), wilder(period)
        self._parts = (self._before, self._average)

    def _next(self, bar: Bar) -> float:
        value = self._average.push(true_range(bar, self._before.close))
        self._before.take(bar)
        self.percent.put(100.0 * value / bar.close)
        return value


class RealizedVolatility(Indicator):
    """Root of the mean squared log return of ``period`` bars (no mean taken off), for a year of 365 days (0.5 is 50 %).

    ``bar_length`` is the bars' length in nanoseconds; the sum of squares is Andersen and Bollerslev's (1998).
    """

    def __init__(self, period: int, bar_length: int) -> None:
        super().__init__(whole("volatility", "period", period) + 1, f"volatility({period})")
        self._scale = math.sqrt(_YEAR / positive("volatility", "bar_length", bar_length))
        self._before, self._squares = Before(), Window(period)
        self._parts = (self._before, self._squares)

    def _next(self, bar: Bar) -> float:
        squared = math.log(bar.close / self._before.close) ** 2 if self._before.close else math.nan
        self._before.take(bar)
        mean = self._squares.mean(squared)
        return math.sqrt(mean) * self._scale
