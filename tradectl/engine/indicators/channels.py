"""Bands around the price: Bollinger, Keltner, Donchian, highest and lowest, Ichimoku."""

import math

from tradectl.engine.indicators.indicator import Indicator, memory, positive, whole
from tradectl.engine.indicators.kernels import Before, Window, deviation, exponential, true_range, wilder
from tradectl.model.market_data import Bar


class Bollinger(Indicator):
    """The mean of ``period`` closes with bands ``width`` standard deviations away (population, as TA-Lib).

    ``percent_b`` is the close's place between the bands (0 to 1 inside; 0.5 when they touch), ``bandwidth`` their
    distance as a share of the middle.
    """

    def __init__(self, period: int = 20, width: float = 2.0) -> None:
        super().__init__(whole("bollinger", "period", period, 2), f"bollinger({period},{width:g})")
        self._width = positive("bollinger", "width", width)
        self.upper, self.lower = self._line("upper"), self._line("lower")
        self.percent_b, self.bandwidth = self._line("percent_b"), self._line("bandwidth")
        self._window = Window(period)
        self._parts = (self._window,)

    def _next(self, bar: Bar) -> float:
        middle = self._window.mean(bar.close)
        if middle != middle:
            return math.nan
        away = self._width * deviation(self._window.values, middle)
        upper, lower = self.upper.put(middle + away), self.lower.put(middle - away)
        self.percent_b.put((bar.close - lower) / (upper - lower) if upper > lower else 0.5)
        self.bandwidth.put((upper - lower) / middle)
        return middle


class Keltner(Indicator):
    """The EMA of the close with bands ``width`` ATRs away (Raschke's form); ``atr`` bars of its own for the range."""

    def __init__(self, period: int = 20, width: float = 2.0, atr: int = 10) -> None:
        forget = max(memory(2.0 / (whole("keltner", "period", period) + 1)) + period, memory(1.0 / atr) + atr + 1)
        super().__init__(forget, f"keltner({period},{width:g},{whole('keltner', 'atr', atr)})")
        self._width = positive("keltner", "width", width)
        self.upper, self.lower = self._line("upper"), self._line("lower")
        self._before, self._middle, self._atr = Before(), exponential(period), wilder(atr)
        self._parts = (self._before, self._middle, self._atr)

    def _next(self, bar: Bar) -> float:
        away = self._width * self._atr.push(true_range(bar, self._before.close))
        self._before.take(bar)
        middle = self._middle.push(bar.close)
        self.upper.put(middle + away)
        self.lower.put(middle - away)
        return middle


class Donchian(Indicator):
    """Highest high (``upper``) and lowest low (``lower``) of ``period`` bars with this one; the value is their middle.

    A breakout is a close beyond ``upper.previous``: the channel of the bars before.
    """

    def __init__(self, period: int = 20) -> None:
        super().__init__(whole("donchian", "period", period), f"donchian({period})")
        self.upper, self.lower = self._line("upper"), self._line("lower")
        self._highs, self._lows = Window(period), Window(period)
        self._parts = (self._highs, self._lows)

    def _next(self, bar: Bar) -> float:
        self._lows.push(bar.low)
        if not self._highs.push(bar.high):
            return math.nan
        return (self.upper.put(max(self._highs.values)) + self.lower.put(min(self._lows.values))) / 2.0


class Highest(Indicator):
    """The highest close of ``period`` bars."""

    def __init__(self, period: int) -> None:
        super().__init__(whole("highest", "period", period), f"highest({period})")
        self._window = Window(period)
        self._parts = (self._window,)

    def _next(self, bar: Bar) -> float:
        return max(self._window.values) if self._window.push(bar.close) else math.nan


class Lowest(Indicator):
    """The lowest close of ``period`` bars."""

    def __init__(self, period: int) -> None:
        super().__init__(whole("lowest", "period", period), f"lowest({period})")
        self._window = Window(period)
        self._parts = (self._window,)

    def _next(self, bar: Bar) -> float:
        return min(self._window.values) if self._window.push(bar.close) else math.nan


class Ichimoku(Indicator):
    """Conversion line (tenkan, the value) and ``base`` line (kijun): middles of the ranges of two windows (Hosoda).

    ``span_a`` and ``span_b`` are the cloud over *this* bar: they were known ``base`` bars ago, nothing is ahead.
    """

    def __init__(self, conversion: int = 9, base: int = 26, span: int = 52) -> None:
        whole("ichimoku", "conversion", conversion)
        whole("ichimoku", "base", base, conversion)
        super().__init__(whole("ichimoku", "span", span, base) + base, f"ichimoku({conversion},{base},{span})")
        self._periods = (conversion, base, span)
        self.base, self.span_a, self.span_b = (self._line(n) for n in ("base", "span_a", "span_b"))
        self._highs, self._lows = Window(span), Window(span)
        self._ahead_a, self._ahead_b = Window(base + 1), Window(base + 1)
        self._parts = (self._highs, self._lows, self._ahead_a, self._ahead_b)

    def _next(self, bar: Bar) -> float:
        self._highs.push(bar.high)
        self._lows.push(bar.low)
        highs, lows = list(self._highs.values), list(self._lows.values)
        conversion, base, span = (_middle(highs, lows, n) for n in self._periods)
        self.base.put(base)
        self.span_a.put(_delayed(self._ahead_a, (conversion + base) / 2.0))
        self.span_b.put(_delayed(self._ahead_b, span))
        return conversion


def _middle(highs: list[float], lows: list[float], period: int) -> float:
    return (max(highs[-period:]) + min(lows[-period:])) / 2.0 if len(highs) >= period else math.nan


def _delayed(line: Window, value: float) -> float:
    return line.values[0] if line.push(value) else math.nan
