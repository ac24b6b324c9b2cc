"""Moving averages of the close."""

import math
from collections import deque

from tradectl.engine.indicators.indicator import Indicator
from tradectl.model.market_data import Bar


class SimpleAverage(Indicator):
    """Arithmetic mean of the last ``period`` closes; summed afresh each bar, so that no rounding error builds up."""

    def __init__(self, period: int) -> None:
        super().__init__(period)
        self.period = period
        self._window: deque[float] = deque(maxlen=period)

    def _next(self, bar: Bar) -> float:
        self._window.append(bar.close)
        return math.fsum(self._window) / self.period if len(self._window) == self.period else math.nan

    def _state(self) -> list[float]:
        return list(self._window)

    def _restore(self, state: list[float]) -> None:
        self._window = deque(state, maxlen=self.period)


class ExponentialAverage(Indicator):
    """EMA with alpha ``2 / (period + 1)``, seeded with the simple average of the first ``period`` closes (as TA-Lib).

    ``lookback`` asks for four periods of warm-up: by then the seed weighs less than 2 % .
    """

    def __init__(self, period: int) -> None:
        super().__init__(4 * period)
        self.period = period
        self._alpha = 2.0 / (period + 1)
        self._seen = 0
        self._sum = 0.0

    def _next(self, bar: Bar) -> float:
        if self._seen >= self.period:
            return self.value + self._alpha * (bar.close - self.value)
        self._seen += 1
        self._sum += bar.close
        return self._sum / self.period if self._seen == self.period else math.nan

    def _state(self) -> list[float]:
        return [float(self._seen), self._sum]

    def _restore(self, state: list[float]) -> None:
        self._seen, self._sum = int(state[0]), state[1]
