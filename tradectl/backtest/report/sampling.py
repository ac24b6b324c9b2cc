"""Series thinned for drawing: the lowest and highest of each pixel column. Never used for figures."""

import numpy as np
from msgspec import Struct

from tradectl.history.series import Times, Values


class Curve(Struct, frozen=True):
    """Values at times (nanoseconds), oldest first."""

    times: Times
    values: Values

    def __len__(self) -> int:
        return len(self.times)


def curve(times: list[int], values: list[float]) -> Curve:
    """A curve of plain lists."""
    return Curve(np.array(times, dtype=np.int64), np.array(values, dtype=np.float64))


def thinned(whole: Curve, columns: int) -> Curve:
    """At most ``2 x columns + 2`` of the points: of each column of time the lowest and the highest, and both ends."""
    if len(whole) <= 2 * columns + 2:
        return whole
    first, last = int(whole.times[0]), int(whole.times[-1])
    column = (whole.times - first) * columns // (last - first + 1)
    starts = np.flatnonzero(np.diff(column, prepend=-1))
    kept = {0, len(whole) - 1}
    for begin, end in zip(starts, [*starts[1:], len(whole)], strict=True):
        part = whole.values[begin:end]
        kept.update((int(begin + part.argmin()), int(begin + part.argmax())))
    chosen = np.array(sorted(kept))
    return Curve(whole.times[chosen], whole.values[chosen])


def fallen(equity: Curve) -> Curve:
    """How far below its highest point so far a curve stands, as fractions <= 0."""
    top = np.maximum.accumulate(equity.values)
    return Curve(equity.times, np.where(top > 0, equity.values / np.where(top > 0, top, 1.0) - 1.0, 0.0))
