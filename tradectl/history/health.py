"""The state of one stored series: gaps to the row, damage, impossible and doubled rows, silence, age."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tradectl.history.checking import broken_rules, jumps
from tradectl.history.columns import ONE_AT_A_TIME, WITH_INTERVAL, joined
from tradectl.history.coverage import Coverage, Stretch, without
from tradectl.history.download import INCOMING
from tradectl.history.gaps import Gap, gaps_of, silences_of
from tradectl.history.grid import HOUR, clock
from tradectl.history.layout import bounds_of, files_of
from tradectl.history.made_up import MadeUp, made_up_in
from tradectl.history.parquet_file import read_file
from tradectl.history.series import Candles, Columns, Kind, SeriesId
from tradectl.history.store import ParquetStore
from tradectl.model.errors import Problem
from tradectl.model.market_data import INTERVALS, grid_offset


class BadRow(Struct, frozen=True):
    """A stored row that breaks a rule."""

    time: int
    rule: str


class Health(Struct, frozen=True):
    """What was found in a series.

    ``gaps`` are missing rows (of trades and quotes stretches nobody recorded), ``silences`` long runs without volume,
    ``jumps`` times whose price is absurd beside the one before, ``damaged`` files with why, ``made_up`` what repairs
    added.
    """

    series: SeriesId
    rows: int
    first: int
    last: int
    gaps: tuple[Gap, ...]
    bad: tuple[BadRow, ...]
    duplicates: int
    silences: tuple[Gap, ...]
    jumps: tuple[int, ...]
    damaged: tuple[tuple[Path, str], ...]
    made_up: tuple[MadeUp, ...]

    @property
    def missing(self) -> int:
        """How many rows the gaps lack."""
        return sum(gap.missing for gap in self.gaps)

    @property
    def sound(self) -> bool:
        """Whether nothing is missing, damaged, doubled or impossible."""
        return not (self.gaps or self.bad or self.duplicates or self.damaged)


def stretches_of(store: ParquetStore, series: SeriesId) -> list[Stretch]:
    """Which stretches of trades or quotes are known to be complete; files that were imported say nothing of it."""
    return Coverage(store.folder / INCOMING, series).stretches


def check_series(store: ParquetStore, series: SeriesId) -> Health:
    """Read a series file by file; a damaged file is a finding, and its span a gap."""
    found = _Findings(series)
    for period, path in files_of(store.folder, series).items():
        try:
            rows = joined(series.kind, list(read_file(path, series.kind, -(2**62), 2**62)))
            found.take(rows, *bounds_of(series.kind, period))
        except Problem as problem:
            found.damaged.append((path, problem.reason))
    if series.kind not in ONE_AT_A_TIME and (known := stretches_of(store, series)):
        found.gaps += [Gap(since, until, 0) for since, until in without(known[0][0], known[-1][1], known)]
    return found.health(tuple(made_up_in(store.folder, series)))


class _Findings:
    """Findings of the files so far; ``tail`` is the last row, beside which the next file's first one is looked at."""

    def __init__(self, series: SeriesId) -> None:
        self.series = series
        self.step = INTERVALS[series.interval] if series.kind in WITH_INTERVAL else 0
        self.damaged: list[tuple[Path, str]] = []
        self._rows = self._duplicates = 0
        self._first = self._last = 0
        self.gaps: list[Gap] = []
        self._bad: list[BadRow] = []
        self._silences: list[Gap] = []
        self._jumps: list[int] = []
        self._tail: Columns = joined(series.kind, [])

    def take(self, rows: Columns, begin: int, end: int) -> None:
        """Look at one file's rows, which belong between ``begin`` and ``end``."""
        if not len(rows):
            return
        self._first = self._first or int(rows.times[0])
        self._rows += len(rows)
        self._last = int(rows.times[-1])
        outside = (rows.times < begin) | (rows.times >= end)
        self._note(rows, outside, "time", "belongs into another file")
        for field, rule, mask in broken_rules(self.series.kind, rows):
            self._note(rows, mask, field, rule)
        for name, column in zip(rows.names[1:], rows.arrays()[1:], strict=True):
            self._note(rows, ~np.isfinite(column), name, "is not a finite number")
        if self.step:
            self._note(rows, (rows.times - grid_offset(self.step)) % self.step != 0, "time", "is off the grid")
        both = joined(self.series.kind, [self._tail, rows])
        self._beside(both, len(self._tail))
        self._tail = rows.rows(len(rows) - 1)

    def _note(self, rows: Columns, mask: NDArray[np.bool_], field: str, rule: str) -> None:
        self._bad += [BadRow(int(rows.times[row]), f"{field} {rule}") for row in np.flatnonzero(mask)]

    def _beside(self, rows: Columns, known: int) -> None:
        """What shows only between neighbours; the first ``known`` rows were looked at before."""
        if self.series.kind in ONE_AT_A_TIME:
            self._duplicates += int((rows.times[1:] == rows.times[:-1]).sum())
        step = self.step or (_funding_step(rows) if self.series.kind is Kind.FUNDING else 0)
        if step:
            self.gaps += gaps_of(rows.times, step)
        self._jumps += [int(rows.times[row]) for row in jumps(self.series.kind, rows) if row >= known]
        if isinstance(rows, Candles) and self.series.kind is Kind.CANDLES:
            self._silences += silences_of(rows, self.step)

    def health(self, made_up: tuple[MadeUp, ...]) -> Health:
        """All that was found."""
        bad = tuple(sorted(self._bad, key=lambda it: it.time))
        return Health(
            self.series, self._rows, self._first, self._last, tuple(self.gaps), bad, self._duplicates,
            tuple(self._silences), tuple(self._jumps), tuple(self.damaged), made_up,
        )  # fmt: skip


def _funding_step(rows: Columns) -> int:
    """The usual time between settlements: venues have changed it, so that each file is taken by itself."""
    steps = rows.times[1:] - rows.times[:-1]
    if not len(steps):
        return 0
    values, counts = np.unique(steps, return_counts=True)
    common = int(values[np.argmax(counts)])
    return common if common % HOUR == 0 else 0


def words_of(health: Health) -> Iterator[str]:
    """What is wrong or worth knowing, a sentence each."""
    if health.gaps and not health.missing:
        yield f"{len(health.gaps)} stretches were not recorded"
    elif health.gaps:
        yield f"{health.missing} rows are missing in {len(health.gaps)} gaps"
    if health.duplicates:
        yield f"{health.duplicates} rows are there twice"
    if health.bad:
        first = health.bad[0]
        yield f"{len(health.bad)} rows are impossible, the first at {clock(first.time)}: {first.rule}"
    for path, reason in health.damaged:
        yield f"{path.name} is damaged: {reason}"
    if health.jumps:
        yield f"the price jumps more than twentyfold at {clock(health.jumps[0])} ({len(health.jumps)} times in all)"
    for gap in health.silences:
        yield f"no volume in {gap.missing} rows from {clock(gap.since)}"
    for how in ("flat", "finer"):
        count = sum(it.rows for it in health.made_up if it.how == how)
        if count:
            yield f"{count} rows were made by a repair ({how})"
