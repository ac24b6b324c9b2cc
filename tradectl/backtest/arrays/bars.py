"""The bars of one series as arrays, and their indicators, each worked out once."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tradectl.backtest.arrays import lines
from tradectl.backtest.arrays.lines import Flags, Floats
from tradectl.engine import indicators as i
from tradectl.history.series import Candles
from tradectl.model.market_data import Bar

#: Exponents of all numbers lie this near, and windows are at most so long, where sums are kept in two words.
_SPREAD, _LONGEST = 20, 4096


class Smoothing(NamedTuple):
    """An average that :func:`lines.smooth` makes, or is still to make."""

    of: Floats
    period: int
    alpha: float


class Line:
    """Values bar by bar; what they are compared with is another line or a number.

    Those of a smoothing need not be there: they are worked out when somebody looks at them.
    """

    __slots__ = ("_crossed", "_known", "_smoothing")

    def __init__(self, values: Floats | Smoothing) -> None:
        self._smoothing = values if isinstance(values, Smoothing) else None
        self._known = None if isinstance(values, Smoothing) else values
        self._crossed: tuple[Any, tuple[Flags, Flags]] | None = None

    @property
    def values(self) -> Floats:
        """One for each bar, NaN until there is one."""
        if self._known is None:
            assert self._smoothing is not None
            self._known = lines.smooth(*self._smoothing)
        return self._known

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
        if not isinstance(other, Line):
            level = np.broadcast_to(np.float64(other), self.values.shape)
            both: tuple[Flags, Flags] = lines.crossings(self.values, level)
            return both
        found = self._crossed
        if found is None or found[0] is not other:
            # Set at once: threads that share a line may both work it out, and neither sees half of it.
            found = self._crossed = (other, self._crossings_of(other))
        return found[1]

    def _crossings_of(self, other: "Line") -> tuple[Flags, Flags]:
        mine, its = self._smoothing, other._smoothing
        unseen = self._known is None and other._known is None
        both: tuple[Flags, Flags]
        if unseen and mine is not None and its is not None and mine.of is its.of:
            # Side by side they take as long as one of them, and nothing is kept.
            both = lines.smoothed_crossings(mine.of, mine.period, mine.alpha, its.period, its.alpha)
        else:
            both = lines.crossings(self.values, other.values)
        return both

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
    """What ``signals`` of a strategy is given. ``lookback`` grows with what was asked, as that of a live series.

    ``once``: signals are asked for a single time, so that an average that only crosses another need not be kept.
    """

    def __init__(self, candles: Candles, once: bool = False) -> None:
        self.candles, self.once = candles, once
        self.lookback = 0
        self.open, self.high, self.low, self.close = (
            Line(it) for it in (candles.open, candles.high, candles.low, candles.close)
        )
        self._kept: dict[tuple[str, type, int], tuple[int, Any]] = {}
        self._words: tuple[Any, Any, float] | bool | None = False

    @property
    def kept_lines(self) -> int:
        """How many indicators were worked out."""
        return len(self._kept)

    def _once(
        self, name: str, period: int, live: Callable[[int], i.Indicator], make: Callable[[i.Indicator], Any]
    ) -> Any:  # fmt: skip
        """``live`` makes the incremental twin: it knows the lookback and judges the parameters."""
        key = name, type(period), period
        found = self._kept.get(key)
        if found is None:
            twin = live(period)
            found = self._kept[key] = twin.lookback, make(twin)
        self.lookback = max(self.lookback, found[0])
        return found[1]

    def average(self, kind: str, period: int) -> Line:
        """A moving average of the close by its short name. Raises ``ValueError`` for a name of none."""
        if kind not in _AVERAGES:
            raise ValueError(f"{kind!r} is no average: use one of {', '.join(_AVERAGES)}")
        made: Line = self._once(kind, period, _AVERAGES[kind], lambda live: self._average(kind, period, live))
        return made

    def ema(self, period: int) -> Line:
        """Exponential moving average of the close."""
        return self.average("ema", period)

    def sma(self, period: int) -> Line:
        """Simple moving average of the close."""
        return self.average("sma", period)

    def rsi(self, period: int = 14) -> Line:
        """Relative strength index, 0 to 100."""
        made: Line = self._once("rsi", period, i.Rsi, lambda _: self._rsi(period))
        return made

    def atr(self, period: int = 14) -> Line:
        """Average true range."""
        made: Line = self._once("atr", period, i.AverageTrueRange, lambda _: self._atr(period))
        return made

    def donchian(self, period: int = 20) -> DonchianLines:
        """Donchian channel: ``upper`` and ``lower``."""
        made: DonchianLines = self._once("donchian", period, i.Donchian, lambda _: self._donchian(period))
        return made

    # --- how each is made

    def _average(self, kind: str, period: int, live: i.Indicator) -> Line:
        close = self.close.values
        if kind == "rma":
            return self._smoothed(Smoothing(close, period, 1.0 / period))
        if kind in ("ema", "dema", "tema"):
            return self._chained(kind, period)
        words = self._in_words() if kind == "sma" and period <= _LONGEST else None
        if words is not None:
            return Line(lines.summed(*words, period) / period)
        return self._incremental(live)

    def _chained(self, kind: str, period: int) -> Line:
        alpha, close = 2.0 / (period + 1), self.close.values
        if kind == "ema":
            return self._smoothed(Smoothing(close, period, alpha))
        once = lines.smooth(close, period, alpha)
        twice = lines.smooth(once, period, alpha)
        if kind == "dema":
            return Line(2.0 * once - twice)
        return Line(3.0 * once - 3.0 * twice + lines.smooth(twice, period, alpha))

    def _smoothed(self, wanted: Smoothing) -> Line:
        return Line(wanted if self.once else lines.smooth(*wanted))

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
