"""What an indicator is: one bar in, one value out, and a state that can be written down."""

import math

from tradectl.model.market_data import Bar


class Indicator:
    """Base of all indicators. ``value`` is NaN until ``lookback`` bars were seen; ``previous`` is the value before."""

    def __init__(self, lookback: int) -> None:
        self.lookback = lookback
        self.value = math.nan
        self.previous = math.nan

    def update(self, bar: Bar) -> None:
        """Take the next closed bar."""
        self.previous = self.value
        self.value = self._next(bar)

    def _next(self, bar: Bar) -> float:
        raise TypeError(f"{type(self).__name__} must define _next")

    @property
    def ready(self) -> bool:
        """Whether ``value`` is a number."""
        return self.value == self.value

    def crossed_above(self, other: "Indicator") -> bool:
        """Whether this bar took the indicator from at or below ``other`` to above it."""
        return self.previous <= other.previous and self.value > other.value

    def crossed_below(self, other: "Indicator") -> bool:
        """Whether this bar took the indicator from at or above ``other`` to below it."""
        return self.previous >= other.previous and self.value < other.value

    def state(self) -> list[float]:
        """Everything :meth:`restore` needs, as floats."""
        return [self.value, self.previous, *self._state()]

    def restore(self, state: list[float]) -> None:
        """Continue exactly where :meth:`state` was taken."""
        self.value, self.previous = state[0], state[1]
        self._restore(state[2:])

    def _state(self) -> list[float]:
        return []

    def _restore(self, state: list[float]) -> None:
        return None
