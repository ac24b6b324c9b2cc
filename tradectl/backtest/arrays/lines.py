"""Kernels of indicators over whole arrays, in the order of operations of ``engine/indicators``: equal to the bit."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradectl.backtest.arrays.compiled import kernel

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Words = NDArray[np.int64]


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


@kernel
def crossings(line: Floats, other: Floats) -> Any:
    """Bars that took ``line`` from at or below ``other`` to above it, and those from at or above to below."""
    up, down = np.zeros(len(line), np.bool_), np.zeros(len(line), np.bool_)
    for i in range(1, len(line)):
        up[i] = (line[i - 1] <= other[i - 1]) & (line[i] > other[i])
        down[i] = (line[i - 1] >= other[i - 1]) & (line[i] < other[i])
    return up, down


@kernel
def coded(flags: Flags, bit: int, codes: NDArray[np.uint8]) -> None:
    """Set ``bit`` in ``codes`` where ``flags`` holds."""
    for i in range(len(flags)):
        codes[i] |= np.uint8(flags[i]) << np.uint8(bit)
