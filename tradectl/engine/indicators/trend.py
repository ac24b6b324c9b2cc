"""Whether there is a trend and which way: ADX with its directional lines, Aroon, Supertrend, parabolic SAR."""

import math

from tradectl.engine.indicators.indicator import Indicator, memory, positive, whole
from tradectl.engine.indicators.kernels import Before, Window, true_range, wilder
from tradectl.model.market_data import Bar


class _Sums:
    """Wilder's running sums of directional movement: the first ``period - 1`` added up, then decayed (as TA-Lib)."""

    def __init__(self, period: int) -> None:
        self._period = period
        self._seen = 0
        self.sums = [0.0, 0.0, 0.0]

    def push(self, *values: float) -> bool:
        """Take up, down and range; whether the sums are complete."""
        decay = self._seen >= self._period - 1
        self.sums = [s - s / self._period + v if decay else s + v for s, v in zip(self.sums, values, strict=True)]
        self._seen += 1
        return decay

    def state(self) -> list[float]:
        return [float(self._seen), *self.sums]

    def restore(self, state: list[float]) -> None:
        self._seen, self.sums = int(state[0]), state[1:]


class DirectionalIndex(Indicator):
    """ADX, 0 to 100: how strong a trend is; ``plus`` and ``minus`` are +DI and -DI, its directions (Wilder 1978)."""

    def __init__(self, period: int = 14) -> None:
        super().__init__(2 * (whole("adx", "period", period, 2) + memory(1.0 / period)), f"adx({period})")
        self.plus, self.minus = self._line("plus"), self._line("minus")
        self._before, self._sums, self._average = Before(), _Sums(period), wilder(period)
        self._parts = (self._before, self._sums, self._average)

    def _next(self, bar: Bar) -> float:
        high, low, close = self._before.high, self._before.low, self._before.close
        self._before.take(bar)
        if close != close:
            return math.nan
        up, down = bar.high - high, low - bar.low
        plus, minus = (up if up > max(down, 0.0) else 0.0), (down if down > max(up, 0.0) else 0.0)
        if not self._sums.push(plus, minus, true_range(bar, close)):
            return math.nan
        return self._average.push(self._directions(*self._sums.sums))

    def _directions(self, plus: float, minus: float, ranges: float) -> float:
        up = self.plus.put(100.0 * plus / ranges if ranges else 0.0)
        down = self.minus.put(100.0 * minus / ranges if ranges else 0.0)
        return 100.0 * abs(up - down) / (up + down) if up + down else 0.0


class Aroon(Indicator):
    """Aroon oscillator, ``up`` minus ``down``: how lately high and low of ``period`` bars were made (Chande 1995)."""

    def __init__(self, period: int = 25) -> None:
        super().__init__(whole("aroon", "period", period) + 1, f"aroon({period})")
        self.up, self.down = self._line("up"), self._line("down")
        self._period = period
        self._highs, self._lows = Window(period + 1), Window(period + 1)
        self._parts = (self._highs, self._lows)

    def _next(self, bar: Bar) -> float:
        self._lows.push(bar.low)
        if not self._highs.push(bar.high):
            return math.nan
        highs, lows = list(self._highs.values)[::-1], list(self._lows.values)[::-1]
        up = self.up.put(100.0 * (self._period - highs.index(max(highs))) / self._period)
        return up - self.down.put(100.0 * (self._period - lows.index(min(lows))) / self._period)


class Supertrend(Indicator):
    """A stop ``multiplier`` ATRs away that only moves with the trend; ``direction`` is 1 above it and -1 below.

    It depends on where it began until both ways were taken once; ``lookback`` covers the ATR and ten periods more.
    """

    def __init__(self, period: int = 10, multiplier: float = 3.0) -> None:
        warm = 11 * whole("supertrend", "period", period) + memory(1.0 / period)
        self._multiplier = positive("supertrend", "multiplier", multiplier)
        super().__init__(warm, f"supertrend({period},{multiplier:g})")
        self.direction, self.upper, self.lower = (self._line(n) for n in ("direction", "upper", "lower"))
        self._before, self._atr = Before(), wilder(period)
        self._parts = (self._before, self._atr)

    def _next(self, bar: Bar) -> float:
        close = self._before.close
        self._before.take(bar)
        away = self._multiplier * self._atr.push(true_range(bar, close))
        if away != away:
            return math.nan
        middle = (bar.high + bar.low) / 2.0
        self._bands(middle - away, middle + away, close)
        return self.lower.value if self._turn(bar.close) > 0 else self.upper.value

    def _bands(self, low: float, high: float, close_before: float) -> None:
        """A band moves away from the price only after the close before broke it."""
        lower, upper = self.lower.value, self.upper.value
        self.lower.put(lower if low <= lower <= close_before else low)
        self.upper.put(upper if high >= upper >= close_before else high)

    def _turn(self, close: float) -> float:
        if self.direction.value > 0:
            return self.direction.put(-1.0 if close < self.lower.value else 1.0)
        return self.direction.put(1.0 if close > self.upper.value else -1.0)


class ParabolicSar(Indicator):
    """Wilder's stop and reverse: the stop for this bar; ``direction`` is 1 while long and -1 while short.

    The second bar decides the first direction, as in TA-Lib. It depends on its beginning until it has turned once
    or twice; ``lookback`` of 200 bars is generous for that, not a bound.
    """

    def __init__(self, step: float = 0.02, most: float = 0.2) -> None:
        self._step = positive("psar", "step", step)
        self._most = max(positive("psar", "most", most), self._step)
        super().__init__(200, f"psar({step:g},{most:g})")
        self.direction = self._line("direction")
        self._before = Before()
        #: The coming stop, the extreme of this trend, the acceleration.
        self._next_stop = Window(3)
        self._parts = (self._before, self._next_stop)

    def _next(self, bar: Bar) -> float:
        high, low = self._before.high, self._before.low
        self._before.take(bar)
        if high != high:
            return math.nan
        if not self.direction.ready:
            down = low - bar.low
            long = not (down > 0 and bar.high - high < down)
            self.direction.put(1.0 if long else -1.0)
            self._next_stop.restore([low if long else high, bar.high if long else bar.low, self._step])
            high, low = bar.high, bar.low
        return self._long(bar, high, low) if self.direction.value > 0 else self._short(bar, high, low)

    def _long(self, bar: Bar, high: float, low: float) -> float:
        stop, best, pace = self._next_stop.values
        if bar.low <= stop:
            stop = max(best, high, bar.high)
            return self._go(-1.0, stop, bar.low, self._step, max(high, bar.high))
        if bar.high > best:
            best, pace = bar.high, min(pace + self._step, self._most)
        return self._go(1.0, stop, best, pace, min(low, bar.low))

    def _short(self, bar: Bar, high: float, low: float) -> float:
        stop, best, pace = self._next_stop.values
        if bar.high >= stop:
            stop = min(best, low, bar.low)
            return self._go(1.0, stop, bar.high, self._step, min(low, bar.low))
        if bar.low < best:
            best, pace = bar.low, min(pace + self._step, self._most)
        return self._go(-1.0, stop, best, pace, max(high, bar.high))

    def _go(self, direction: float, stop: float, best: float, pace: float, limit: float) -> float:
        """Move the coming stop towards the extreme, never into the last two bars; return this bar's."""
        self.direction.put(direction)
        coming = stop + pace * (best - stop)
        self._next_stop.restore([min(coming, limit) if direction > 0 else max(coming, limit), best, pace])
        return stop
