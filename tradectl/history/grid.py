"""The grid of a series' times: which interval candles have, whether they are mixed, shifted or off it."""

import numpy as np
from numpy.typing import NDArray

from tradectl.history.findings import Fault, Report, first_of
from tradectl.history.gaps import runs_of
from tradectl.history.series import Times
from tradectl.model.market_data import INTERVALS, grid_offset

HOUR, SECOND = 3_600_000_000_000, 1_000_000_000
#: So many equal steps of another interval in a row are no gaps.
MIXED_RUN = 10
#: How often venues settle funding.
FUNDING_STEPS = tuple(hours * HOUR for hours in (1, 2, 4, 8))


def interval_of(report: Report, times: Times, lines: Times, given: str) -> str:
    """The interval of ordered, unique times; ``given`` must agree. Raises :class:`Problem` when it does not,
    when none is common, or when intervals are mixed."""
    steps = times[1:] - times[:-1]
    if not len(steps):
        if given:
            return given
        raise report.problem(0, "interval", "cannot be told from one row", "Say --interval")
    names = {length: name for name, length in INTERVALS.items()}
    common = _usual(steps, INTERVALS.get(given, 0))
    if common not in names:
        rule = f"is none we know: rows are mostly {words(common)} apart; known are {', '.join(INTERVALS)}"
        raise report.problem(0, "interval", rule, "Resample the file, or check its times")
    _refuse_mixed(report, steps, lines, common, names)
    if given and INTERVALS[given] != common:
        rule = f"is said to be {given}, but the rows are {names[common]} apart"
        raise report.problem(0, "interval", rule, f"--interval {names[common]}, or give the right file")
    return names[common]


def _usual(steps: Times, given: int) -> int:
    """The most common step; of a file full of holes the interval of which that one is a multiple."""
    known = INTERVALS.values()
    values, counts = np.unique(steps, return_counts=True)
    common = int(values[np.argmax(counts)])
    often = {int(it) for it in values[counts * 10 >= len(steps)]}
    if given and common % given == 0 and (given in often or common not in known):
        return given
    shorter = [length for length in sorted(known) if length in often and common % length == 0]
    return shorter[0] if shorter and common not in known else common


def _refuse_mixed(report: Report, steps: Times, lines: Times, common: int, names: dict[int, str]) -> None:
    for other in names:
        run = next((it for it in runs_of(steps == other) if other != common and it[1] - it[0] >= MIXED_RUN), None)
        if run:
            rule = f"is mixed: rows {names[common]} apart, and from here on {names[other]} apart"
            raise report.problem(int(lines[run[0]]), "interval", rule, "Split the file by interval")


def off_grid(report: Report, times: Times, lines: Times, interval: str) -> NDArray[np.bool_]:
    """Which rows are no opens of candles. Raises :class:`Problem` when most are: the whole file is shifted."""
    step = INTERVALS[interval]
    rest = (times - grid_offset(step)) % step
    bad: NDArray[np.bool_] = rest != 0
    if bad.sum() * 2 > len(times):
        raise report.problem(int(lines[first_of(bad)]), "time", *_shifted(rest[bad], step, interval), rows=len(times))
    if bad.any():
        first = first_of(bad)
        rule = f"{clock(times[first])} is not the open of a candle of {interval}"
        report.mend(Fault("off_grid", "time", rule, int(lines[first]), int(bad.sum())), "dropped")
    return bad


def _shifted(rest: Times, step: int, interval: str) -> tuple[str, str]:
    values, counts = np.unique(rest, return_counts=True)
    shift = int(values[np.argmax(counts)])
    if shift >= step - SECOND:
        return f"looks like the close of candles of {interval}, not the open", f"--shift -{words(shift)}"
    back = f"--shift -{words(shift)}, or +{words(step - shift)}"
    return f"looks shifted by {words(shift)} from the opens of {interval} in UTC: a local time?", back


def funding_grid(report: Report, times: Times, lines: Times) -> Times:
    """The times on whole hours, those a second off put there as a repair.

    Raises :class:`Problem` when rates every 8 hours are not at 00, 08 and 16 UTC, or others not on their own grid.
    """
    nearest = (times + HOUR // 2) // HOUR * HOUR
    late = (times != nearest) & (abs(times - nearest) <= SECOND)
    if late.any():
        first = first_of(late)
        rule = f"{clock(times[first])} is a little off the full hour"
        report.mend(Fault("off_grid", "time", rule, int(lines[first]), int(late.sum())), "put on the hour")
        times = np.where(late, nearest, times)
    steps = times[1:] - times[:-1]
    values, counts = np.unique(steps, return_counts=True)
    common = int(values[np.argmax(counts)]) if len(values) else FUNDING_STEPS[-1]
    step = common if common in FUNDING_STEPS else HOUR
    rest = times % step
    shifts, found = np.unique(rest, return_counts=True)
    shift = int(shifts[np.argmax(found)])
    if shift:
        usual = "00, 08 and 16 UTC" if step == 8 * HOUR else f"every {words(step)} from 00 UTC"
        rule = f"looks shifted by {words(shift)}: funding settles at {usual}"
        raise report.problem(int(lines[0]), "time", rule, f"--shift -{words(shift)}, or +{words(step - shift)}")
    return times


def words(length: int) -> str:
    """``8h``, ``5m``, ``30s``, ``250ms``: as ``--shift`` takes it."""
    for unit, name in ((HOUR, "h"), (60 * SECOND, "m"), (SECOND, "s"), (1_000_000, "ms")):
        if length % unit == 0:
            return f"{length // unit}{name}"
    return f"{length}ns"


def clock(time: int) -> str:
    """A time as findings tell it: ISO 8601 with milliseconds, UTC."""
    return f"{np.datetime64(int(time), 'ns').astype('datetime64[ms]')}Z"
