"""The bars of one series as arrays, and their indicators, each worked out once."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tradectl.backtest.arrays import lines
from tradectl.backtest.arrays.lines import Flags, Floats
from tradectl.engine import indicators as i
from tradectl.history.series import Candles
from tradectl.model.market_data import Bar

#: Exponents of all numbers lie this near, and windows are at most so long, where sums are kept in two words.
_SPREAD, _LONGEST = 20, 4096


class Line:
    """Values bar by bar; what they are compared with is another line or a number."""

    __slots__ = ("_crossed", "values")

    def __init__(self, values: Floats) -> None:
        self.values = values
        self._crossed: tuple[Any, tuple[Flags, Flags]] | None = None

    @property
    def previous(self) -> "Line":
        """The values one bar before."""
        before = np.empty_like(self.values)
        before[:1], before[1:] = math.nan, self.values[:-1]
        return Line(before)

    def crossed_above(self, other: "Line | float") -> Flags:
        """Where this bar took the line from at or below ``other`` to above it."""
        return self._crossings(other)[0]

    def crossed_below(self, other: "Line | float") -> Flags:
        """Where this bar took the line from at or above ``other`` to below it."""
        return self._crossings(other)[1]

    def _crossings(self, other: "Line | float") -> tuple[Flags, Flags]:
        found = self._crossed
        if found is None or found[0] is not other:
            values = _values(other)
            level = values if isinstance(values, np.ndarray) else np.broadcast_to(np.float64(values), self.values.shape)
            both: tuple[Flags, Flags] = lines.crossings(self.values, level)
            if not isinstance(other, Line):
                return both
            # Set at once: threads that share a line may both work it out, and neither sees half of it.
            found = self._crossed = (other, both)
        return found[1]

    def __lt__(self, other: "Line | float") -> Flags:
        return self.values < _values(other)  # type: ignore[no-any-return]

    def __le__(self, other: "Line | float") -> Flags:
        return self.values <= _values(other)  # type: ignore[no-any-return]

    def __gt__(self, other: "Line | float") -> Flags:
        return self.values > _values(other)  # type: ignore[no-any-return]

    def __ge__(self, other: "Line | float") -> Flags:
        return self.values >= _values(other)  # type: ignore[no-any-return]

    def __add__(self, other: "Line | float") -> "Line":
        return Line(self.values + _values(other))

    def __sub__(self, other: "Line | float") -> "Line":
        return Line(self.values - _values(other))

    def __mul__(self, other: "Line | float") -> "Line":
        return Line(self.values * _values(other))

    def __rmul__(self, other: float) -> "Line":
        return Line(other * self.values)


def _values(other: "Line | float") -> Any:
    return other.values if isinstance(other, Line) else other


class DonchianLines:
    """The channel's two lines."""

    __slots__ = ("lower", "upper")

    def __init__(self, upper: Line, lower: Line) -> None:
        self.upper, self.lower = upper, lower


class Bars:
    """What ``signals`` of a strategy is given. ``lookback`` grows with what was asked, as that of a live series."""

    def __init__(self, candles: Candles) -> None:
        self.candles = candles
        self.lookback = 0
        self.open, self.high, self.low, self.close = (
            Line(it) for it in (candles.open, candles.high, candles.low, candles.close)
        )
        self._kept: dict[tuple[Any, ...], Any] = {}
        self._words: tuple[Any, Any, float] | bool | None = False

    @property
    def kept_lines(self) -> int:
        """How many indicators were worked out."""
        return len(self._kept)

    def _once(self, key: tuple[Any, ...], live: i.Indicator, make: Callable[[], Any]) -> Any:
        """``live`` is the incremental twin: it knows the lookback and judges the parameters."""
        self.lookback = max(self.lookback, live.lookback)
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = make()
        return found

    def average(self, kind: str, period: int) -> Line:
        """A moving average of the close by its short name. Raises ``ValueError`` for a name of none."""
        if kind not in _AVERAGES:
            raise ValueError(f"{kind!r} is no average: use one of {', '.join(_AVERAGES)}")
        key, live = (kind, period), _AVERAGES[kind](period)
        made: Line = self._once(key, live, lambda: self._average(kind, period, live))
        return made

    def ema(self, period: int) -> Line:
        """Exponential moving average of the close."""
        return self.average("ema", period)

    def sma(self, period: int) -> Line:
        """Simple moving average of the close."""
        return self.average("sma", period)

    def rsi(self, period: int = 14) -> Line:
        """Relative strength index, 0 to 100."""
        made: Line = self._once(("rsi", period), i.Rsi(period), lambda: self._rsi(period))
        return made

    def atr(self, period: int = 14) -> Line:
        """Average true range."""
        made: Line = self._once(("atr", period), i.AverageTrueRange(period), lambda: self._atr(period))
        return made

    def donchian(self, period: int = 20) -> DonchianLines:
        """Donchian channel: ``upper`` and ``lower``."""
        made: DonchianLines = self._once(("donchian", period), i.Donchian(period), lambda: self._donchian(period))
        return made

    # --- how each is made

    def _average(self, kind: str, period: int, live: i.Indicator) -> Line:
        close = self.close.values
        if kind == "rma":
            return Line(lines.smooth(close, period, 1.0 / period))
        if kind in ("ema", "dema", "tema"):
            return self._chained(kind, period)
        words = self._in_words() if kind == "sma" and period <= _LONGEST else None
        if words is not None:
            return Line(lines.summed(*words, period) / period)
        return self._incremental(live)

    def _chained(self, kind: str, period: int) -> Line:
        alpha = 2.0 / (period + 1)
        once = lines.smooth(self.close.values, period, alpha)
        if kind == "ema":
            return Line(once)
        twice = lines.smooth(once, period, alpha)
        if kind == "dema":
            return Line(2.0 * once - twice)
        return Line(3.0 * once - 3.0 * twice + lines.smooth(twice, period, alpha))

    def _rsi(self, period: int) -> Line:
        up, down = lines.moves(self.close.values)
        return Line(lines.strength(lines.smooth(up, period, 1.0 / period), lines.smooth(down, period, 1.0 / period)))

    def _atr(self, period: int) -> Line:
        ranges = lines.true_ranges(self.high.values, self.low.values, self.close.values)
        return Line(lines.smooth(ranges, period, 1.0 / period))

    def _donchian(self, period: int) -> DonchianLines:
        upper, lower = lines.highest(self.high.values, period), lines.highest(-self.low.values, period)
        return DonchianLines(Line(upper), Line(-lower))

    def _incremental(self, live: i.Indicator) -> Line:
        """The live indicator itself, fed bar by bar: for what has no kernel."""
        made = np.empty(len(self.candles))
        for at, row in enumerate(zip(*(it.tolist() for it in self.candles.arrays()), strict=True)):
            live.update(Bar(*row))
            made[at] = live.value
        return Line(made)

    def _in_words(self) -> tuple[Any, Any, float] | None:
        """The closes as whole multiples of a power of two, in two words each; ``None`` when they lie too far apart."""
        if isinstance(self._words, bool):
            self._words = _words(self.close.values)
        return self._words


def _words(values: Floats) -> tuple[Any, Any, float] | None:
    if not len(values) or not np.isfinite(values).all() or not (values > 0).all():
        return None
    exponents = np.frexp(values)[1]
    least, most = int(exponents.min()), int(exponents.max())
    if most - least > _SPREAD or not -900 < least <= most < 900:
        return None
    # A number of 53 digits times 2**(53 - least) is whole; its upper part is taken off exactly by a floor.
    whole = np.ldexp(values, 53 - least - 32)
    upper = np.floor(whole)
    lower = np.ldexp(whole - upper, 32)
    return upper.astype(np.int64), lower.astype(np.int64), math.ldexp(1.0, least - 53)


_AVERAGES: dict[str, Callable[[int], i.Indicator]] = {
    "sma": i.SimpleAverage,
    "ema": i.ExponentialAverage,
    "wma": i.WeightedAverage,
    "rma": i.WilderAverage,
    "vwma": i.VolumeWeightedAverage,
    "dema": i.DoubleExponentialAverage,
    "tema": i.TripleExponentialAverage,
    "hma": i.HullAverage,
}
