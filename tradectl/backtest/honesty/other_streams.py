"""Prints, quotes and books of another future: every price mirrored, so that bids become asks."""

import numpy as np
from numpy.typing import NDArray

from tradectl.history.series import Columns, Levels, Tape, Touches, Values

Late = NDArray[np.bool_]


def other_stream(part: Columns, late: Late, pivot: float, tick: float, fresh: bool) -> Columns:
    """``part`` with its ``late`` rows mirrored at ``pivot``: ``p`` becomes ``pivot^2 / p``, on the tick.

    ``fresh``: the first late row of a book begins it anew, for what stood there before is not of that future.
    """
    digits = max(0, -int(np.floor(np.log10(tick))) + 2)

    def mirrored(values: Values) -> Values:
        return np.round(np.maximum(np.round(pivot * pivot / values / tick), 1.0) * tick, digits)

    def mixed(then: NDArray[np.generic], now: NDArray[np.generic]) -> NDArray[np.generic]:
        return np.where(late, then, now).astype(now.dtype)

    if isinstance(part, Tape):
        return Tape(part.ts, mixed(mirrored(part.price), part.price), part.size, mixed(-part.side, part.side))  # type: ignore[arg-type]
    if isinstance(part, Touches):
        return Touches(
            part.ts, mixed(mirrored(part.ask), part.bid), mixed(part.ask_size, part.bid_size),  # type: ignore[arg-type]
            mixed(mirrored(part.bid), part.ask), mixed(part.bid_size, part.ask_size),  # type: ignore[arg-type]
        )  # fmt: skip
    assert isinstance(part, Levels)
    start = part.start.copy()
    if fresh and late.any():
        start[int(np.argmax(late))] = 2
    return Levels(part.ts, mixed(mirrored(part.price), part.price), part.size, mixed(-part.side, part.side), start)  # type: ignore[arg-type]
