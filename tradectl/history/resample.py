"""Longer candles from shorter ones: open of the first, highest high, lowest low, close of the last, exact sums."""

import math
from collections.abc import Iterator
from typing import Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tradectl.history.columns import chosen, joined
from tradectl.history.reading import History
from tradectl.history.series import Candles, Columns, Kind, SeriesId, Values
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.market_data import INTERVALS, grid_offset

#: Which candles are left out: at the ends those that are not whole, everywhere those that are not, or none.
Drop = Literal["edges", "incomplete", "none"]
#: Up to here whole numbers are exact in a float.
EXACT = 2**53
DECIMALS = 10


class Resampled(Struct, frozen=True):
    """Longer candles, and of how many shorter ones each was made (``whole`` is the full number)."""

    candles: Candles
    made_of: NDArray[np.int64]
    whole: int

    @property
    def incomplete(self) -> NDArray[np.bool_]:
        """The candles that lack a shorter one."""
        return self.made_of < self.whole


def resample(candles: Candles, shorter: str, longer: str, drop: Drop = "edges") -> Resampled:
    """Candles of ``longer`` from ordered candles of ``shorter``. Weeks begin on Monday, all in UTC.

    Sums of volumes are those of their decimals, rounded once: what the venue's own longer candle says.
    Raises :class:`Problem` when the one is no multiple of the other.
    """
    rows = _longer(candles, shorter, longer)
    keep = rows.made_of == rows.whole if drop == "incomplete" else np.ones(len(rows.candles), bool)
    if drop == "edges" and len(keep):
        keep[0] &= _starts(candles, rows.candles)
        keep[-1] &= _ends(candles, rows.candles, shorter, longer)
    return _only(rows, keep)


def resampled(history: History, series: SeriesId, longer: str, since: int, until: int) -> Iterator[Candles]:
    """The candles of ``longer`` whose open is in ``since <= open < until``, made from ``series`` part by part.

    What lacks its first or last shorter candles is left out at both ends. Raises ``Problem`` as :func:`resample`.
    """
    shorter, length = series.interval, _multiple(series.interval, longer)
    rest = _candles(joined(Kind.CANDLES, []))
    begun = False
    for part in history.read(series, since, until + length):
        rows = _candles(joined(Kind.CANDLES, [rest, part]))
        opens = _grid(rows, longer, length)
        stop = int(np.searchsorted(opens, opens[-1]))
        done, rest = _candles(rows.rows(0, stop)), _candles(rows.rows(stop))
        if len(done):
            made = _longer(done, shorter, longer).candles
            skip = 0 if begun or _starts(done, made) else 1
            begun = True
            yield from _within(_candles(made.rows(skip)), since, until)
    if len(rest):
        made = _longer(rest, shorter, longer).candles
        if (begun or _starts(rest, made)) and _ends(rest, made, shorter, longer):
            yield from _within(made, since, until)


def _within(made: Candles, since: int, until: int) -> Iterator[Candles]:
    wanted = _candles(made.between(since, until))
    if len(wanted):
        yield wanted


def _longer(candles: Candles, shorter: str, longer: str) -> Resampled:
    """Every longer candle there is a row for."""
    step, length = INTERVALS[shorter], _multiple(shorter, longer)
    opens = _grid(candles, longer, length)
    if not len(opens):
        return Resampled(candles, np.empty(0, np.int64), length // step)
    starts = np.flatnonzero(np.concatenate(([True], opens[1:] != opens[:-1])))
    ends = np.append(starts[1:], len(opens)) - 1
    made = Candles(
        opens[starts],
        candles.open[starts],
        np.maximum.reduceat(candles.high, starts),
        np.minimum.reduceat(candles.low, starts),
        candles.close[ends],
        sums(candles.volume, starts),
        sums(candles.turnover, starts),
    )
    return Resampled(made, np.asarray(ends - starts + 1, np.int64), length // step)


def _starts(candles: Candles, made: Candles) -> bool:
    return bool(candles.open_time[0] == made.open_time[0])


def _ends(candles: Candles, made: Candles, shorter: str, longer: str) -> bool:
    return bool(candles.open_time[-1] + INTERVALS[shorter] == made.open_time[-1] + INTERVALS[longer])


def _only(rows: Resampled, keep: NDArray[np.bool_]) -> Resampled:
    return Resampled(_candles(chosen(rows.candles, keep)), rows.made_of[keep], rows.whole)


def _candles(columns: Columns) -> Candles:
    assert isinstance(columns, Candles)
    return columns


def sums(values: Values, starts: NDArray[np.int64]) -> Values:
    """The sum from each start to the next, as decimals add up: 0.1 + 0.2 is 0.3."""
    scaled = _whole_numbers(values)
    if scaled is None:
        ends = np.append(starts[1:], len(values))
        return np.array([math.fsum(values[a:b]) for a, b in zip(starts, ends, strict=True)])
    whole, scale = scaled
    return np.add.reduceat(whole, starts) / scale


def _whole_numbers(values: Values) -> tuple[NDArray[np.int64], float] | None:
    """The values times the smallest power of ten that makes them whole; ``None`` when sums would not stay exact."""
    for places in range(DECIMALS + 1):
        scale = 10.0**places
        whole = np.rint(values * scale)
        if float(np.abs(whole).sum()) >= EXACT:
            return None
        if bool((whole / scale == values).all()):
            return whole.astype(np.int64), scale
    return None


def _grid(candles: Columns, longer: str, length: int) -> NDArray[np.int64]:
    offset = grid_offset(length)
    return np.asarray((candles.times - offset) // length * length + offset, np.int64)


def _multiple(shorter: str, longer: str) -> int:
    step, length = INTERVALS[shorter], INTERVALS[longer]
    if length < step or length % step:
        raise Problem(
            ErrorCode.INVALID_REQUEST,
            f"candles of {longer} cannot be made from candles of {shorter}",
            field="interval",
            reason=f"{longer} is no multiple of {shorter}",
            remedy="Use shorter candles, or another interval",
        )
    return length
