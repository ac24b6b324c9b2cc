"""Two instruments together: rolling correlation, beta, and the z-score of a hedged log spread.

Bars of two series arrive one after the other; a pair takes a step when both have closed the same minute.
"""

import math
from collections import deque

from tradectl.engine.indicators.indicator import Indicator, whole
from tradectl.engine.indicators.kernels import Window, deviation
from tradectl.model.market_data import Bar

_SECOND = 1_000_000_000


class _Waiting:
    """Closes of one leg whose partner has not come: at most a warm-up of them."""

    def __init__(self, most: int) -> None:
        self.bars: deque[tuple[int, float]] = deque(maxlen=most)

    def state(self) -> list[float]:
        return [x for time, close in self.bars for x in (float(time), close)]

    def restore(self, state: list[float]) -> None:
        pairs = zip(state[::2], state[1::2], strict=True)
        self.bars = deque(((int(time), close) for time, close in pairs), maxlen=self.bars.maxlen)


class PairIndicator(Indicator):
    """Base of what is computed from the closes of two series: kept by the first, its ``leg`` by the second."""

    def __init__(self, lookback: int, label: str) -> None:
        super().__init__(lookback, label)
        self._waiting = _Waiting(2 * lookback + 60)
        self.leg = Leg(self, lookback)
        self._parts = (self._waiting,)

    def update(self, bar: Bar) -> None:
        """A bar of the first series closed."""
        self._waiting.bars.append((bar.open_time // _SECOND, bar.close))
        self.match()

    def match(self) -> None:
        """Take a step for each minute both series have closed; what has no partner any more is dropped."""
        mine, theirs = self._waiting.bars, self.leg.waiting.bars
        while mine and theirs:
            if mine[0][0] == theirs[0][0]:
                self.put(self._pair(mine.popleft()[1], theirs.popleft()[1]))
            else:
                (mine if mine[0][0] < theirs[0][0] else theirs).popleft()

    def _pair(self, first: float, second: float) -> float:
        raise TypeError(f"{type(self).__name__} must define _pair")


class Leg(Indicator):
    """The second series' side of a pair; its value is that series' close."""

    def __init__(self, pair: PairIndicator, lookback: int) -> None:
        super().__init__(lookback, f"{pair.label} second")
        self.waiting = _Waiting(2 * lookback + 60)
        self._pair = pair
        self._parts = (self.waiting,)

    def _next(self, bar: Bar) -> float:
        self.waiting.bars.append((bar.open_time // _SECOND, bar.close))
        self._pair.match()
        return bar.close


class Correlation(PairIndicator):
    """Pearson's correlation of the two closes over ``period`` bars, -1 to 1; 0 while one does not move."""

    def __init__(self, period: int) -> None:
        super().__init__(whole("correlation", "period", period, 2), f"correlation({period})")
        self._first, self._second = Window(period), Window(period)
        self._parts = (self._waiting, self._first, self._second)

    def _pair(self, first: float, second: float) -> float:
        x, y = self._first.mean(first), self._second.mean(second)
        if x != x:
            return math.nan
        a, b = self._first.values, self._second.values
        spread = deviation(a, x) * deviation(b, y)
        return _covariance(a, b, x, y) / spread if spread else 0.0


class Beta(PairIndicator):
    """Slope of the first series' returns on the second's over ``period`` returns; 0 while the second stands still."""

    def __init__(self, period: int) -> None:
        super().__init__(whole("beta", "period", period, 2) + 1, f"beta({period})")
        self._before, self._first, self._second = Window(2), Window(period), Window(period)
        self._parts = (self._waiting, self._before, self._first, self._second)

    def _pair(self, first: float, second: float) -> float:
        before = tuple(self._before.values)
        self._before.restore([first, second])
        if not before:
            return math.nan
        y, x = self._first.mean(first / before[0] - 1.0), self._second.mean(second / before[1] - 1.0)
        return _slope(self._first.values, self._second.values, y, x) if x == x else math.nan


class Spread(PairIndicator):
    """How far the first log price is from ``hedge`` times the second, in standard deviations of ``period`` bars.

    ``hedge`` is the least-squares slope over the window, ``residual`` the distance in log price (0.01 is 1 %) from
    the fitted line; 0 while nothing moves. The z-score of Engle and Granger's first step, on a rolling window.
    """

    def __init__(self, period: int) -> None:
        super().__init__(whole("spread", "period", period, 3), f"spread({period})")
        self.hedge, self.residual = self._line("hedge"), self._line("residual")
        self._first, self._second = Window(period), Window(period)
        self._parts = (self._waiting, self._first, self._second)

    def _pair(self, first: float, second: float) -> float:
        y, x = self._first.mean(math.log(first)), self._second.mean(math.log(second))
        if x != x:
            return math.nan
        hedge = self.hedge.put(_slope(self._first.values, self._second.values, y, x))
        pairs = zip(self._first.values, self._second.values, strict=True)
        residuals = [(a - y) - hedge * (b - x) for a, b in pairs]
        away = self.residual.put(residuals[-1])
        spread = deviation(residuals, 0.0)
        return away / spread if spread else 0.0


def _covariance(first: deque[float], second: deque[float], x: float, y: float) -> float:
    return math.fsum((a - x) * (b - y) for a, b in zip(first, second, strict=True)) / len(first)


def _slope(of: deque[float], on: deque[float], y: float, x: float) -> float:
    variance = deviation(on, x) ** 2
    return _covariance(of, on, y, x) / variance if variance else 0.0
