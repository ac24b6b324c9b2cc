"""How fast and how one-sided the price moves: RSI, ROC, momentum, CCI, Williams %R, ultimate oscillator."""

import math

from tradectl.engine.indicators.indicator import Indicator, memory, whole
from tradectl.engine.indicators.kernels import Before, Window, typical, wilder
from tradectl.model.market_data import Bar


class RelativeStrength:
    """The kernel of the RSI: Wilder's averages of gains and losses, as a share of 100; 50 while nothing moves."""

    def __init__(self, period: int) -> None:
        self._up, self._down = wilder(period), wilder(period)
        self._before = math.nan

    def push(self, value: float) -> float:
        """Take a number and return the RSI, NaN until ``period`` changes were seen."""
        change, self._before = value - self._before, value
        up = self._up.push(max(change, 0.0) if change == change else change)
        down = self._down.push(max(-change, 0.0) if change == change else change)
        both = up + down
        return 100.0 * up / both if both else 50.0

    def state(self) -> list[float]:
        """Everything :meth:`restore` needs."""
        return [self._before, *self._up.state(), *self._down.state()]

    def restore(self, state: list[float]) -> None:
        """Continue where :meth:`state` was taken."""
        self._before = state[0]
        self._up.restore(state[1:4])
        self._down.restore(state[4:])


class Rsi(Indicator):
    """RSI, 0 to 100 (Wilder 1978); 50 where nothing moved at all (TA-Lib says 0, which would read as oversold)."""

    def __init__(self, period: int = 14) -> None:
        super().__init__(whole("rsi", "period", period) + 1 + memory(1.0 / period), f"rsi({period})")
        self._strength = RelativeStrength(period)
        self._parts = (self._strength,)

    def _next(self, bar: Bar) -> float:
        return self._strength.push(bar.close)


class RateOfChange(Indicator):
    """ROC: change of the close over ``period`` bars, in percent."""

    def __init__(self, period: int = 10) -> None:
        super().__init__(whole("roc", "period", period) + 1, f"roc({period})")
        self._window = Window(period + 1)
        self._parts = (self._window,)

    def _next(self, bar: Bar) -> float:
        return (bar.close / self._window.values[0] - 1.0) * 100.0 if self._window.push(bar.close) else math.nan


class Momentum(Indicator):
    """Change of the close over ``period`` bars, in price."""

    def __init__(self, period: int = 10) -> None:
        super().__init__(whole("momentum", "period", period) + 1, f"momentum({period})")
        self._window = Window(period + 1)
        self._parts = (self._window,)

    def _next(self, bar: Bar) -> float:
        return bar.close - self._window.values[0] if self._window.push(bar.close) else math.nan


class CommodityChannel(Indicator):
    """CCI: distance of the typical price from its mean in units of 0.015 mean deviations (Lambert); 0 when flat."""

    def __init__(self, period: int = 20) -> None:
        super().__init__(whole("cci", "period", period, 2), f"cci({period})")
        self._window = Window(period)
        self._parts = (self._window,)

    def _next(self, bar: Bar) -> float:
        price = typical(bar)
        if not self._window.push(price):
            return math.nan
        values = self._window.values
        mean = math.fsum(values) / len(values)
        if min(values) == max(values):
            return 0.0
        return (price - mean) / (0.015 * (math.fsum(abs(v - mean) for v in values) / len(values)))


class WilliamsR(Indicator):
    """Williams %R: where the close lies in the range of ``period`` bars, -100 (low) to 0 (high); -50 without range."""

    def __init__(self, period: int = 14) -> None:
        super().__init__(whole("williams_r", "period", period), f"williams_r({period})")
        self._highs, self._lows = Window(period), Window(period)
        self._parts = (self._highs, self._lows)

    def _next(self, bar: Bar) -> float:
        self._lows.push(bar.low)
        if not self._highs.push(bar.high):
            return math.nan
        high, low = max(self._highs.values), min(self._lows.values)
        return -100.0 * (high - bar.close) / (high - low) if high > low else -50.0


class UltimateOscillator(Indicator):
    """Buying pressure over true range in three windows, weighted 4, 2, 1; 0 to 100 (Williams 1976)."""

    def __init__(self, short: int = 7, middle: int = 14, long: int = 28) -> None:
        whole("ultimate", "short", short)
        whole("ultimate", "middle", middle, short)
        whole("ultimate", "long", long, middle)
        super().__init__(long + 1, f"ultimate({short},{middle},{long})")
        self._periods = (short, middle, long)
        self._before, self._pressure, self._range = Before(), Window(long), Window(long)
        self._parts = (self._before, self._pressure, self._range)

    def _next(self, bar: Bar) -> float:
        close = self._before.close
        self._before.take(bar)
        if close != close:
            return math.nan
        low = min(bar.low, close)
        self._range.push(max(bar.high, close) - low)
        if not self._pressure.push(bar.close - low):
            return math.nan
        pressure, ranges = list(self._pressure.values), list(self._range.values)
        short, middle, long = (_share(pressure[-n:], ranges[-n:]) for n in self._periods)
        return 100.0 * (4.0 * short + 2.0 * middle + long) / 7.0


def _share(part: list[float], of: list[float]) -> float:
    total = math.fsum(of)
    return math.fsum(part) / total if total else 0.0
