"""Statistics of the close over a window: standard deviation, z-score, linear regression."""

import math

from tradectl.engine.indicators.indicator import Indicator, whole
from tradectl.engine.indicators.kernels import Window, deviation
from tradectl.model.market_data import Bar


class StandardDeviation(Indicator):
    """Population standard deviation of ``period`` closes, in price (as TA-Lib's STDDEV)."""

    def __init__(self, period: int) -> None:
        super().__init__(whole("stddev", "period", period, 2), f"stddev({period})")
        self._window = Window(period)
        self._parts = (self._window,)

    def _next(self, bar: Bar) -> float:
        mean = self._window.mean(bar.close)
        return deviation(self._window.values, mean) if mean == mean else math.nan


class ZScore(Indicator):
    """How many standard deviations the close is away from the mean of ``period`` closes; 0 when they are all equal."""

    def __init__(self, period: int) -> None:
        super().__init__(whole("zscore", "period", period, 2), f"zscore({period})")
        self._window = Window(period)
        self._parts = (self._window,)

    def _next(self, bar: Bar) -> float:
        mean = self._window.mean(bar.close)
        if mean != mean:
            return math.nan
        spread = deviation(self._window.values, mean)
        return (bar.close - mean) / spread if spread else 0.0


class LinearRegression(Indicator):
    """The least-squares line through ``period`` closes: its value now, ``slope`` per bar, ``forecast`` for the next."""

    def __init__(self, period: int = 14) -> None:
        super().__init__(whole("linreg", "period", period, 2), f"linreg({period})")
        self.slope, self.forecast = self._line("slope"), self._line("forecast")
        self._window = Window(period)
        self._parts = (self._window,)
        self._middle = (period - 1) / 2.0
        self._spread = period * (period * period - 1) / 12.0

    def _next(self, bar: Bar) -> float:
        mean = self._window.mean(bar.close)
        if mean != mean:
            return math.nan
        values = self._window.values
        slope = math.fsum((i - self._middle) * v for i, v in enumerate(values)) / self._spread
        self.slope.put(slope)
        self.forecast.put(mean + slope * (self._middle + 1.0))
        return mean + slope * self._middle
