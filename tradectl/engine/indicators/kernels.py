"""The parts indicators are made of: a window of numbers, a recursive average, the bar before."""

import math
from collections import deque
from collections.abc import Sequence

from tradectl.model.market_data import Bar


class Window:
    """The last ``size`` numbers; NaN is not taken in."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.values: deque[float] = deque(maxlen=size)

    def push(self, value: float) -> bool:
        """Take a number; whether the window is full."""
        if value == value:
            self.values.append(value)
        return len(self.values) == self.size

    def mean(self, value: float) -> float:
        """Take a number and return the mean of a full window, NaN before."""
        return math.fsum(self.values) / self.size if self.push(value) else math.nan

    def state(self) -> list[float]:
        """Everything :meth:`restore` needs."""
        return list(self.values)

    def restore(self, state: list[float]) -> None:
        """Continue where :meth:`state` was taken."""
        self.values = deque(state, maxlen=self.size)


class Smoother:
    """A recursive average: ``alpha`` for the newest, seeded with the mean of the first ``period`` numbers."""

    def __init__(self, period: int, alpha: float) -> None:
        self.period = period
        self.alpha = alpha
        self.value = math.nan
        self._seen = 0
        self._sum = 0.0

    def push(self, value: float) -> float:
        """Take a number and return the average, NaN until the seed is complete."""
        if value != value:
            return self.value
        if self._seen >= self.period:
            self.value += self.alpha * (value - self.value)
            return self.value
        self._seen += 1
        self._sum += value
        if self._seen == self.period:
            self.value = self._sum / self.period
        return self.value

    def state(self) -> list[float]:
        """Everything :meth:`restore` needs."""
        return [self.value, float(self._seen), self._sum]

    def restore(self, state: list[float]) -> None:
        """Continue where :meth:`state` was taken."""
        self.value, self._seen, self._sum = state[0], int(state[1]), state[2]


def exponential(period: int) -> Smoother:
    """The kernel of the EMA: alpha ``2 / (period + 1)``."""
    return Smoother(period, 2.0 / (period + 1))


def wilder(period: int) -> Smoother:
    """The kernel of Wilder's average: alpha ``1 / period``."""
    return Smoother(period, 1.0 / period)


class Before:
    """High, low and close of the bar before, NaN before the second bar."""

    def __init__(self) -> None:
        self.high = self.low = self.close = math.nan

    def take(self, bar: Bar) -> None:
        """The bar is over."""
        self.high, self.low, self.close = bar.high, bar.low, bar.close

    def state(self) -> list[float]:
        """Everything :meth:`restore` needs."""
        return [self.high, self.low, self.close]

    def restore(self, state: list[float]) -> None:
        """Continue where :meth:`state` was taken."""
        self.high, self.low, self.close = state


def true_range(bar: Bar, close_before: float) -> float:
    """Wilder's true range; NaN for the first bar."""
    if close_before != close_before:
        return math.nan
    return max(bar.high, close_before) - min(bar.low, close_before)


def typical(bar: Bar) -> float:
    """Mean of high, low and close."""
    return (bar.high + bar.low + bar.close) / 3.0


def deviation(values: Sequence[float] | deque[float], mean: float) -> float:
    """Population standard deviation around ``mean``; exactly 0 when all values are equal, however it rounds."""
    if min(values) == max(values):
        return 0.0
    return math.sqrt(math.fsum((v - mean) ** 2 for v in values) / len(values))


def weighted(values: Sequence[float] | deque[float]) -> float:
    """Mean with weights 1, 2, ..., n: the newest counts most."""
    n = len(values)
    return math.fsum(i * v for i, v in enumerate(values, 1)) / (n * (n + 1) / 2)
