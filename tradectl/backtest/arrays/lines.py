"""Kernels of indicators over whole arrays, in the order of operations of ``engine/indicators``: equal to the bit."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradectl.backtest.arrays.compiled import kernel, part

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Words = NDArray[np.int64]

#: On which side of another a line is; both where they are equal.
ABOVE, BELOW = 1, 2
#: Periods after which an average has forgotten what it began with: e**-100 of it is left, and a last bit is 1e-16.
RUN_UP = 50


@kernel
def smooth(values: Floats, period: int, alpha: float) -> Floats:
    """``Smoother``: seeded with the mean of the first ``period`` numbers; NaN is not taken in."""
    out = np.empty(len(values))
    value, total, seen = np.nan, 0.0, 0
    at = 0
    while at < len(values) and seen < period:
        x = values[at]
        if x == x:
            seen += 1
            total += x
            if seen == period:
                value = total / period
        out[at] = value
        at += 1
    for i in range(at, len(values)):
        x = values[i]
        if x == x:
            value += alpha * (x - value)
        out[i] = value
    return out


@kernel
def summed(high: Words, low: Words, scale: float, period: int) -> Floats:
    """Sums of ``period`` numbers, each ``(high * 2**32 + low) * scale``: rounded once, as ``math.fsum`` rounds."""
    out = np.full(len(high), np.nan)
    upper = lower = 0
    for i in range(len(high)):
        upper += high[i]
        lower += low[i]
        if i >= period:
            upper -= high[i - period]
            lower -= low[i - period]
        if i >= period - 1:
            carry = lower >> 32
            out[i] = ((upper + carry) * 4294967296.0 + (lower - (carry << 32))) * scale
    return out


@kernel
def moves(values: Floats) -> Any:
    """Gains and losses from bar to bar, both NaN at the first."""
    up, down = np.full(len(values), np.nan), np.full(len(values), np.nan)
    for i in range(1, len(values)):
        change = values[i] - values[i - 1]
        if change == change:
            up[i] = max(change, 0.0)
            down[i] = max(-change, 0.0)
    return up, down


@kernel
def strength(up: Floats, down: Floats) -> Floats:
    """The RSI of averaged gains and losses; 50 where nothing moved."""
    out = np.empty(len(up))
    for i in range(len(up)):
        both = up[i] + down[i]
        out[i] = 100.0 * up[i] / both if both != 0.0 else 50.0
    return out


@kernel
def true_ranges(high: Floats, low: Floats, close: Floats) -> Floats:
    """Wilder's true range, NaN at the first bar."""
    out = np.full(len(close), np.nan)
    for i in range(1, len(close)):
        out[i] = max(high[i], close[i - 1]) - min(low[i], close[i - 1])
    return out


@kernel
def highest(values: Floats, period: int) -> Floats:
    """The largest of each ``period`` numbers: candidates wait in a queue that only falls."""
    out = np.full(len(values), np.nan)
    queue = np.empty(len(values), np.int64)
    head = tail = 0
    for i in range(len(values)):
        while tail > head and values[queue[tail - 1]] <= values[i]:
            tail -= 1
        queue[tail] = i
        tail += 1
        if queue[head] <= i - period:
            head += 1
        if i >= period - 1:
            out[i] = values[queue[head]]
    return out


@part
def side(one: float, other: float) -> int:
    """:data:`ABOVE`, :data:`BELOW`, both where they are equal, neither where one of them is NaN."""
    return ABOVE * (one >= other) + BELOW * (one <= other)


@part
def changes(sides: NDArray[np.uint8]) -> Any:
    """Bars that were above after not being so, and those that were below after not being so."""
    up, down = np.empty(len(sides), np.bool_), np.empty(len(sides), np.bool_)
    up[:1], down[:1] = False, False
    for i in range(1, len(sides)):
        up[i] = (sides[i] == ABOVE) & ((sides[i - 1] & BELOW) != 0)
        down[i] = (sides[i] == BELOW) & ((sides[i - 1] & ABOVE) != 0)
    return up, down


@kernel
def crossings(line: Floats, other: Floats) -> Any:
    """Bars that took ``line`` from at or below ``other`` to above it, and those from at or above to below."""
    sides = np.empty(len(line), np.uint8)
    for i in range(len(line)):
        sides[i] = side(line[i], other[i])
    return changes(sides)


@part
def stepped(value: float, x: float, alpha: float) -> float:
    """A smoothing's next value; NaN is not taken in."""
    return value + alpha * (x - value) if x == x else value


@kernel
def smoothed_crossings(values: Floats, one: int, one_alpha: float, other: int, other_alpha: float) -> Any:
    """``crossings`` of what :func:`smooth` makes of ``values`` with each period, without keeping either.

    A step waits for the one before, so that two halves side by side take half the time. The second half begins with
    what the averages are after a long run-up from a mere guess, which they forget to the last bit; where they did not,
    it is worked out again from the first half's end.
    """
    end, most = len(values), max(one, other)
    sides = np.zeros(end, np.uint8)
    at = seen = 0
    total, fast, slow = 0.0, np.nan, np.nan
    while at < end and seen < most:
        x = values[at]
        if x == x:
            seen += 1
            total += x
            fast = total / one if seen == one else fast + one_alpha * (x - fast)
            slow = total / other if seen == other else slow + other_alpha * (x - slow)
            sides[at] = side(fast, slow)
        at += 1
    half = (end - at) // 2
    middle = at + half
    begin = middle - RUN_UP * most
    if begin > at:
        late_fast = late_slow = values[begin]
        for i in range(begin, middle):
            late_fast, late_slow = stepped(late_fast, values[i], one_alpha), stepped(late_slow, values[i], other_alpha)
        guessed = late_fast, late_slow
        for i in range(at, middle):
            x, late = values[i], values[i + half]
            fast, slow = stepped(fast, x, one_alpha), stepped(slow, x, other_alpha)
            late_fast, late_slow = stepped(late_fast, late, one_alpha), stepped(late_slow, late, other_alpha)
            sides[i], sides[i + half] = side(fast, slow), side(late_fast, late_slow)
        at = middle
        if (fast, slow) == guessed:
            at, fast, slow = middle + half, late_fast, late_slow
    for i in range(at, end):
        fast, slow = stepped(fast, values[i], one_alpha), stepped(slow, values[i], other_alpha)
        sides[i] = side(fast, slow)
    return changes(sides)


@kernel
def coded(flags: Flags, code: np.uint8, codes: NDArray[np.uint8]) -> None:
    """Add ``code`` to the ``codes`` of the bars whose flag holds."""
    nothing = np.uint8(0)
    for i in range(len(flags)):
        codes[i] |= code if flags[i] else nothing
