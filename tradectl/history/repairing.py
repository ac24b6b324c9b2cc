"""Mending a stored series: damaged files put aside, impossible rows taken out, gaps filled from finer data or flat."""

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tradectl.history.columns import ONE_AT_A_TIME, joined, made
from tradectl.history.coverage import without
from tradectl.history.gaps import Gap, gaps_of, missing_times
from tradectl.history.health import Health, check_series, stretches_of
from tradectl.history.made_up import MadeUp, note_made_up
from tradectl.history.resample import resample
from tradectl.history.series import Candles, Columns, Kind, SeriesId
from tradectl.history.store import ParquetStore
from tradectl.history.trade_bars import bars_of
from tradectl.model.instruments import Category
from tradectl.model.market_data import INTERVALS

#: Kinds whose gaps can be filled.
FILLED = frozenset({Kind.CANDLES, Kind.MARK, Kind.INDEX})


class Repaired(Struct, frozen=True):
    """What was done to a series, and the gaps that are left."""

    series: SeriesId
    put_aside: tuple[tuple[Path, str], ...]
    removed: int
    filled: tuple[MadeUp, ...]
    left: tuple[Gap, ...]


def repair_series(store: ParquetStore, series: SeriesId, at: int, longest: int = 0) -> Repaired:
    """Mend ``series``; ``at`` is now. Every row that is made is noted beside the series.

    Gaps of candles are filled from trades and shorter candles where those are complete; what is then left is filled
    flat at the last close, with volume 0, where a gap is no longer than ``longest`` nanoseconds (0: never).
    """
    before = check_series(store, series)
    aside = tuple((store.put_aside(series, path), reason) for path, reason in before.damaged)
    removed = store.thin_out(series, _possible(before)) if before.bad or before.duplicates else 0
    if series.kind not in FILLED:
        return Repaired(series, aside, removed, (), check_series(store, series).gaps)
    filled = [*_fill(store, series, at, _from_finer(store, series))]
    if longest:
        filled += _fill(store, series, at, lambda gap: _flat(store, series, gap, longest))
    return Repaired(series, aside, removed, tuple(filled), check_series(store, series).gaps)


def _possible(health: Health) -> Callable[[Columns], NDArray[np.bool_]]:
    """Which rows are no impossible ones; of kinds with one row a time only the first of each."""
    bad = np.array([it.time for it in health.bad], np.int64)

    def stays(rows: Columns) -> NDArray[np.bool_]:
        good = ~np.isin(rows.times, bad)
        if health.series.kind in ONE_AT_A_TIME:
            good[1:] &= rows.times[1:] != rows.times[:-1]
        return good

    return stays


Made = tuple[Columns, MadeUp]


def _fill(store: ParquetStore, series: SeriesId, at: int, make: Callable[[Gap], Sequence[Made]]) -> list[MadeUp]:
    """Write what ``make`` has for the gaps, at once. It is noted first: a kill in between notes too much, not less."""
    found = [it for gap in check_series(store, series).gaps for it in make(gap)]
    done = [MadeUp(at, it.since, it.until, it.rows, it.how, it.source) for _, it in found]
    for what in done:
        note_made_up(store.folder, series, what)
    if found:
        store.write(series, joined(series.kind, [rows for rows, _ in found]))
    return done


def _flat(store: ParquetStore, series: SeriesId, gap: Gap, longest: int) -> list[Made]:
    if gap.until - gap.since > longest:
        return []
    step = INTERVALS[series.interval]
    before = store.read_all(series, gap.since - step, gap.since)
    assert isinstance(before, Candles)
    times = missing_times([gap], step)
    price, none = np.full(len(times), before.close[-1]), np.zeros(len(times))
    rows = made(series.kind, [times, price, price, price, price, none, none])
    return [(rows, MadeUp(0, gap.since, gap.until, len(rows), "flat"))]


def _from_finer(store: ParquetStore, series: SeriesId) -> Callable[[Gap], list[Made]]:
    sources = [it for it in store.series() if _is_finer(it, series)]
    sources.sort(key=lambda it: -INTERVALS.get(it.interval, 0))  # the longest that fits is the quickest; trades last

    def make(gap: Gap) -> list[Made]:
        for source in sources:
            rows = _resampled(store, source, series, gap) if source.interval else _traded(store, source, series, gap)
            if len(rows):
                return [(part, _word(part, series, source)) for part in _stretches(rows, INTERVALS[series.interval])]
        return []

    return make


def _is_finer(source: SeriesId, series: SeriesId) -> bool:
    if source.instrument != series.instrument:
        return False
    if source.kind is Kind.TRADES:
        return series.kind is Kind.CANDLES
    step, length = INTERVALS.get(source.interval, 0), INTERVALS[series.interval]
    return source.kind is series.kind and step < length and length % step == 0


def _resampled(store: ParquetStore, source: SeriesId, series: SeriesId, gap: Gap) -> Columns:
    rows = store.read_all(source, gap.since, gap.until)
    assert isinstance(rows, Candles)
    return resample(rows, source.interval, series.interval, "incomplete").candles


def _traded(store: ParquetStore, source: SeriesId, series: SeriesId, gap: Gap) -> Columns:
    """Candles of trades, only where these are known to be complete: an empty tape proves nothing."""
    step = INTERVALS[series.interval]
    since, until = gap.since, gap.until
    if without(since, until, stretches_of(store, source)):
        return made(series.kind, [column[:0] for column in store.read_all(series, 0, 0).arrays()])
    tape = store.read_all(source, since, until)
    before = store.read_all(series, since - step, since)
    assert isinstance(before, Candles)
    return bars_of(tape, since, until, step, float(before.close[-1]), inverse=_is_inverse(series))  # type: ignore[arg-type]


def _is_inverse(series: SeriesId) -> bool:
    return series.instrument.category is Category.INVERSE


def _stretches(rows: Columns, step: int) -> list[Columns]:
    """The rows split where one is missing."""
    edges = [0, *(int(np.searchsorted(rows.times, gap.until)) for gap in gaps_of(rows.times, step)), len(rows)]
    return [rows.rows(start, stop) for start, stop in itertools.pairwise(edges)]


def _word(rows: Columns, series: SeriesId, source: SeriesId) -> MadeUp:
    end = int(rows.times[-1]) + INTERVALS[series.interval]
    return MadeUp(0, int(rows.times[0]), end, len(rows), "finer", str(source))
