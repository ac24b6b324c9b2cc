"""Moving averages with less lag than the classic ones, and TRIX, which is made of three of them."""

import math
from itertools import pairwise

from tradectl.engine.indicators.indicator import Indicator, memory, whole
from tradectl.engine.indicators.kernels import Smoother, Window, exponential, weighted
from tradectl.model.market_data import Bar


def _chain(period: int, stages: int) -> tuple[Smoother, ...]:
    return tuple(exponential(period) for _ in range(stages))


def _chained(chain: tuple[Smoother, ...], value: float) -> list[float]:
    """Each stage averages the one before, once that one has a value."""
    values = []
    for stage in chain:
        value = stage.push(value)
        values.append(value)
    return values


class DoubleExponentialAverage(Indicator):
    """DEMA: ``2 EMA - EMA(EMA)`` (Mulloy 1994)."""

    def __init__(self, period: int) -> None:
        alpha = 2.0 / (whole("dema", "period", period) + 1)
        super().__init__(2 * (period + memory(alpha)), f"dema({period})")
        self._parts = self._chain = _chain(period, 2)

    def _next(self, bar: Bar) -> float:
        once, twice = _chained(self._chain, bar.close)
        return 2.0 * once - twice


class TripleExponentialAverage(Indicator):
    """TEMA: ``3 EMA - 3 EMA(EMA) + EMA(EMA(EMA))`` (Mulloy 1994)."""

    def __init__(self, period: int) -> None:
        alpha = 2.0 / (whole("tema", "period", period) + 1)
        super().__init__(3 * (period + memory(alpha)), f"tema({period})")
        self._parts = self._chain = _chain(period, 3)

    def _next(self, bar: Bar) -> float:
        once, twice, thrice = _chained(self._chain, bar.close)
        return 3.0 * once - 3.0 * twice + thrice


class Trix(Indicator):
    """TRIX: change of the triple EMA of the close from bar to bar, in percent."""

    def __init__(self, period: int) -> None:
        alpha = 2.0 / (whole("trix", "period", period) + 1)
        super().__init__(3 * (period + memory(alpha)) + 1, f"trix({period})")
        self._chain = _chain(period, 3)
        self._parts = self._chain

    def _next(self, bar: Bar) -> float:
        before = self._chain[-1].value
        return (_chained(self._chain, bar.close)[-1] / before - 1.0) * 100.0


class HullAverage(Indicator):
    """HMA: ``WMA(2 WMA(n/2) - WMA(n), sqrt(n))``, both lengths rounded down (Hull 2005)."""

    def __init__(self, period: int) -> None:
        root = math.isqrt(whole("hma", "period", period, 2))
        super().__init__(period + root - 1, f"hma({period})")
        self._half, self._full, self._last = Window(period // 2), Window(period), Window(root)
        self._parts = (self._half, self._full, self._last)

    def _next(self, bar: Bar) -> float:
        self._half.push(bar.close)
        if not self._full.push(bar.close):
            return math.nan
        full = self._last.push(2.0 * weighted(self._half.values) - weighted(self._full.values))
        return weighted(self._last.values) if full else math.nan


class AdaptiveAverage(Indicator):
    """KAMA: an EMA between ``fast`` and ``slow`` by how straight the way of the last ``period`` closes was (Kaufman).

    Begins at the close before the first value, as TA-Lib does. While the market goes nowhere it forgets at the pace
    of ``(2 / (slow + 1))^2``, so ``lookback`` is long: it assumes that pace throughout.
    """

    def __init__(self, period: int = 10, fast: int = 2, slow: int = 30) -> None:
        whole("kama", "period", period)
        whole("kama", "fast", fast)
        self._slow = 2.0 / (whole("kama", "slow", slow, fast) + 1)
        self._span = 2.0 / (fast + 1) - self._slow
        super().__init__(period + memory(self._slow**2), f"kama({period},{fast},{slow})")
        self._window = Window(period + 1)
        self._parts = (self._window,)

    def _next(self, bar: Bar) -> float:
        if not self._window.push(bar.close):
            return math.nan
        closes = list(self._window.values)
        before = self.value if self.ready else closes[-2]
        alpha = (self._straightness(closes) * self._span + self._slow) ** 2
        return before + alpha * (bar.close - before)

    @staticmethod
    def _straightness(closes: list[float]) -> float:
        way = math.fsum(abs(b - a) for a, b in pairwise(closes))
        return min(abs(closes[-1] - closes[0]) / way, 1.0) if way else 1.0
