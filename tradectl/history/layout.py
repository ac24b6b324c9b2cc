"""Where in the store a row is: ``<category>/<symbol>/<kind>[/<interval>]/<period>.parquet``, periods in UTC.

Trades, quotes and books are kept by day (``2025-06-01``), all other kinds by month (``2025-06``). Of books the depth
stands where candles have their interval.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tradectl.history.series import Kind, SeriesId, Times
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.market_data import INTERVALS

SUFFIX = ".parquet"
BY_DAY = frozenset({Kind.TRADES, Kind.QUOTES, Kind.BOOK})
INSTRUMENTS, DAMAGED = "instruments", "damaged"
_KINDS = {kind.value: kind for kind in Kind}
_CATEGORIES = {category.value: category for category in Category}


def folder_of(series: SeriesId) -> Path:
    """The folder of a series, relative to the store's."""
    parts = [series.instrument.category.value, series.instrument.symbol, series.kind.value]
    return Path(*parts, *([series.interval] if series.interval else []))


def period_of(kind: Kind, time: int) -> str:
    """The name of the file that holds ``time``."""
    return str(np.datetime64(time, "ns"))[: 10 if kind in BY_DAY else 7]


def bounds_of(kind: Kind, period: str) -> tuple[int, int]:
    """The first nanosecond of a period and that of the next."""
    begin = np.datetime64(period, "D") if kind in BY_DAY else np.datetime64(period, "M")
    first, after = begin.astype("datetime64[ns]"), (begin + 1).astype("datetime64[ns]")
    return int(first.astype(np.int64)), int(after.astype(np.int64))


def periods(kind: Kind, times: Times) -> Iterator[tuple[str, int, int]]:
    """Ordered times split by file: its name, and from which position to which."""
    start = 0
    while start < len(times):
        name = period_of(kind, int(times[start]))
        stop = int(np.searchsorted(times, bounds_of(kind, name)[1]))
        yield name, start, stop
        start = stop


def files_of(root: Path, series: SeriesId) -> dict[str, Path]:
    """The files of a series by period, oldest first."""
    folder = root / folder_of(series)
    found = {it.name.removesuffix(SUFFIX): it for it in folder.glob(f"*{SUFFIX}")} if folder.is_dir() else {}
    return {name: found[name] for name in sorted(found) if _is_period(series.kind, name)}


def _is_period(kind: Kind, name: str) -> bool:
    return len(name) == (10 if kind in BY_DAY else 7) and name.replace("-", "").isdigit()


def every_series(root: Path) -> list[SeriesId]:
    """Every series that has a file, in order."""
    found = set()
    for path in root.glob(f"*/*/*/**/*{SUFFIX}"):
        series = _series_of(path.relative_to(root).parts[:-1])
        if series and _is_period(series.kind, path.name.removesuffix(SUFFIX)):
            found.add(series)
    return sorted(found)


def _series_of(parts: tuple[str, ...]) -> SeriesId | None:
    if len(parts) not in (3, 4) or parts[0] not in _CATEGORIES or parts[2] not in _KINDS:
        return None
    kind, detail = _KINDS[parts[2]], parts[3] if len(parts) == 4 else ""
    if detail and not (detail.isdecimal() if kind is Kind.BOOK else detail in INTERVALS):
        return None
    return SeriesId(InstrumentId(_CATEGORIES[parts[0]], parts[1]), kind, detail)
