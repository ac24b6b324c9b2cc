"""What an indicator is: one bar in, one value (or several named ones) out, and a state that can be written down."""

import math
from collections.abc import Iterator
from typing import Protocol

from tradectl.model.market_data import Bar

#: A recursive indicator's warm-up ends when what was before it weighs less than this.
FORGOTTEN = 1e-6


class Line:
    """One series of values: the newest and the one before; NaN until there is one."""

    def __init__(self) -> None:
        self.value = math.nan
        self.previous = math.nan

    def put(self, value: float) -> float:
        """Take the next value, and return it."""
        self.previous = self.value
        self.value = value
        return value

    @property
    def ready(self) -> bool:
        """Whether ``value`` is a number."""
        return self.value == self.value

    def crossed_above(self, other: "Line | float") -> bool:
        """Whether this bar took the line from at or below ``other`` (a line or a level) to above it."""
        if isinstance(other, Line):
            return self.previous <= other.previous and self.value > other.value
        return self.previous <= other < self.value

    def crossed_below(self, other: "Line | float") -> bool:
        """Whether this bar took the line from at or above ``other`` (a line or a level) to below it."""
        if isinstance(other, Line):
            return self.previous >= other.previous and self.value < other.value
        return self.previous >= other > self.value


class Part(Protocol):
    """What an indicator is made of and must be written down with it."""

    def state(self) -> list[float]: ...
    def restore(self, state: list[float]) -> None: ...


class Indicator(Line):
    """Base of all indicators; its own value is the main line, ``lines`` holds further ones by name.

    After ``lookback`` bars the value is what the whole history would give, but for a weight of ``FORGOTTEN`` where
    the indicator is recursive; an indicator that can only promise less says so. ``label`` names it in decisions.
    """

    def __init__(self, lookback: int, label: str = "") -> None:
        super().__init__()
        self.lookback = lookback
        self.label = label or type(self).__name__.lower()
        self.lines: dict[str, Line] = {}
        self._parts: tuple[Part, ...] = ()

    def update(self, bar: Bar) -> None:
        """Take the next closed bar."""
        self.previous = self.value
        self.value = self._next(bar)

    def _next(self, bar: Bar) -> float:
        raise TypeError(f"{type(self).__name__} must define _next")

    def outputs(self) -> Iterator[tuple[str, Line]]:
        """Every line with its label: ``macd(12,26,9)``, ``macd(12,26,9).signal``."""
        yield self.label, self
        for name, line in self.lines.items():
            yield f"{self.label}.{name}", line

    def state(self) -> list[float]:
        """Everything :meth:`restore` needs, as floats."""
        known = [self.value, self.previous]
        for line in self.lines.values():
            known += (line.value, line.previous)
        return known + self._state()

    def restore(self, state: list[float]) -> None:
        """Continue exactly where :meth:`state` was taken."""
        values = iter(state)
        for line in (self, *self.lines.values()):
            line.value, line.previous = next(values), next(values)
        self._restore(list(values))

    def _line(self, name: str) -> Line:
        return self.lines.setdefault(name, Line())

    def _state(self) -> list[float]:
        packed: list[float] = []
        for part in self._parts:
            known = part.state()
            packed += (float(len(known)), *known)
        return packed

    def _restore(self, state: list[float]) -> None:
        at = 0
        for part in self._parts:
            end = at + 1 + int(state[at])
            part.restore(state[at + 1 : end])
            at = end


def whole(name: str, field: str, value: int, least: int = 1) -> int:
    """``value`` if it is a whole number of at least ``least``. Raises ``ValueError`` naming indicator and field."""
    if type(value) is not int or value < least:
        raise ValueError(f"{name}: {field} must be a whole number of at least {least}, not {value!r}")
    return value


def positive(name: str, field: str, value: float) -> float:
    """``value`` if it is finite and above zero. Raises ``ValueError`` naming indicator and field."""
    if not 0 < value < math.inf:
        raise ValueError(f"{name}: {field} must be a finite number above 0, not {value!r}")
    return float(value)


def memory(alpha: float) -> int:
    """Bars until a recursive average with weight ``alpha`` for the newest has forgotten what was before."""
    return math.ceil(math.log(FORGOTTEN) / math.log1p(-alpha)) if alpha < 1 else 1
