"""Moving averages of the close."""

import math
from collections import deque

from tradectl.engine.indicators.indicator import Indicator, memory, whole
from tradectl.engine.indicators.kernels import Window, weighted, wilder
from tradectl.model.market_data import Bar


class SimpleAverage(Indicator):
    """Arithmetic mean of the last ``period`` closes; summed afresh each bar, so that no rounding error builds up."""

    def __init__(self, period: int) -> None:
        super().__init__(whole("sma", "period", period), f"sma({period})")
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

    ``lookback`` (about eight periods) is where the seed weighs a millionth.
    """

    def __init__(self, period: int) -> None:
        self._alpha = 2.0 / (whole("ema", "period", period) + 1)
        super().__init__(period + memory(self._alpha), f"ema({period})")
        self.period = period
        self._seen = 0
        self._sum = 0.0

    def update(self, bar: Bar) -> None:
        """Take the next closed bar: the most used of all indicators does it in one step."""
        self.previous = value = self.value
        if self._seen >= self.period:
            self.value = value + self._alpha * (bar.close - value)
        else:
            self.value = self._next(bar)

    def _next(self, bar: Bar) -> float:
        """Of the first bars: the seed."""
        self._seen += 1
        self._sum += bar.close
        return self._sum / self.period if self._seen == self.period else math.nan

    def _state(self) -> list[float]:
        return [float(self._seen), self._sum]

    def _restore(self, state: list[float]) -> None:
        self._seen, self._sum = int(state[0]), state[1]


class WeightedAverage(Indicator):
    """WMA: mean of the last ``period`` closes with weights 1 to ``period``, the newest the heaviest."""

    def __init__(self, period: int) -> None:
        super().__init__(whole("wma", "period", period), f"wma({period})")
        self._window = Window(period)
        self._parts = (self._window,)

    def _next(self, bar: Bar) -> float:
        return weighted(self._window.values) if self._window.push(bar.close) else math.nan


class WilderAverage(Indicator):
    """RMA, Wilder's smoothing: alpha ``1 / period``, seeded with the simple average of the first ``period`` closes."""

    def __init__(self, period: int) -> None:
        super().__init__(whole("rma", "period", period) + memory(1.0 / period), f"rma({period})")
        self._average = wilder(period)
        self._parts = (self._average,)

    def _next(self, bar: Bar) -> float:
        return self._average.push(bar.close)


class VolumeWeightedAverage(Indicator):
    """VWMA: mean of the last ``period`` closes weighted by volume; the plain mean while nothing was traded."""

    def __init__(self, period: int) -> None:
        super().__init__(whole("vwma", "period", period), f"vwma({period})")
        self._closes, self._volumes = Window(period), Window(period)
        self._parts = (self._closes, self._volumes)

    def _next(self, bar: Bar) -> float:
        self._volumes.push(bar.volume)
        if not self._closes.push(bar.close):
            return math.nan
        closes, volumes = self._closes.values, self._volumes.values
        traded = math.fsum(volumes)
        if not traded:
            return math.fsum(closes) / len(closes)
        return math.fsum(c * v for c, v in zip(closes, volumes, strict=True)) / traded
