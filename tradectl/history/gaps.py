"""What is missing in a series that should be regular, and what looks dead in it."""

from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tradectl.history.series import Candles, Times

#: So many bars without a trade in a row are told; a quiet coin has some.
LONG_SILENCE = 60


class Gap(Struct, frozen=True):
    """``missing`` rows from ``since`` on; ``until`` is the first time that is there again."""

    since: int
    until: int
    missing: int


def gaps_of(times: Times, step: int) -> list[Gap]:
    """The gaps between ordered times that are meant to be ``step`` nanoseconds apart."""
    after = np.flatnonzero(times[1:] - times[:-1] > step)
    found = []
    for row in after:
        since, until = int(times[row]) + step, int(times[row + 1])
        found.append(Gap(since, until, -(-(until - since) // step)))
    return found


def missing_times(gaps: list[Gap], step: int) -> Times:
    """Every single time that is missing."""
    parts = [np.arange(gap.since, gap.until, step, dtype=np.int64) for gap in gaps]
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


def silences_of(candles: Candles, step: int, least: int = LONG_SILENCE) -> list[Gap]:
    """Runs of at least ``least`` candles in a row without any volume; ``missing`` counts them."""
    return [
        Gap(int(candles.open_time[start]), int(candles.open_time[stop - 1]) + step, stop - start)
        for start, stop in runs_of(candles.volume == 0)
        if stop - start >= least
    ]


def runs_of(mask: NDArray[Any]) -> list[tuple[int, int]]:
    """Where a mask is true: first position and the one after the last, for each run."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    return [(int(start), int(stop)) for start, stop in zip(edges[::2], edges[1::2], strict=True)]
