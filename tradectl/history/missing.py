"""What of a series is not stored yet: the stretches a download still has to ask for."""

from collections.abc import Iterator

import numpy as np

from tradectl.history.coverage import Stretch, without
from tradectl.history.series import Kind, SeriesId, Times
from tradectl.history.sources import HistorySink
from tradectl.model.instruments import Instrument
from tradectl.model.market_data import INTERVALS, grid_offset

MINUTE, DAY = INTERVALS["1m"], INTERVALS["1d"]
#: Bybit's settlements are never further apart; some are nearer.
FUNDING_STEP = 8 * INTERVALS["1h"]


def on_grid(moment: int, interval: str) -> int:
    """The last point of the interval's grid that is not after ``moment``."""
    length = INTERVALS[interval]
    return moment - (moment - grid_offset(length)) % length


def stored_times(store: HistorySink, series: SeriesId, since: int, until: int) -> Times:
    """The times of the stored rows of a stretch."""
    parts = [part.times for part in store.read(series, since, until)]
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


def missing_points(times: Times, since: int, until: int, interval: str) -> list[Stretch]:
    """The stretches whose grid points are not among ``times``; ``since`` and ``until`` are on the grid."""
    step = INTERVALS[interval]
    if since >= until:
        return []
    inside = times[(times >= since) & (times < until)]
    edges = np.concatenate(([since - step], inside, [until])).astype(np.int64)
    places = np.flatnonzero(np.diff(edges) > step)
    return [(int(edges[at]) + step, int(edges[at + 1])) for at in places]


def missing_funding(times: Times, since: int, until: int, step: int) -> list[Stretch]:
    """The stretches without a settlement for longer than Bybit's longest period, and the edges beyond ``step``."""
    inside = times[(times >= since) & (times < until)]
    if not len(inside):
        return [(since, until)] if since < until else []
    found: list[Stretch] = []
    if inside[0] - since >= step:
        found.append((since, int(inside[0])))
    found += [
        (int(inside[at]) + 1, int(inside[at + 1])) for at in np.flatnonzero(np.diff(inside) > max(step, FUNDING_STEP))
    ]
    if until - inside[-1] > step:
        found.append((int(inside[-1]) + 1, until))
    return found


def missing(
    store: HistorySink, series: SeriesId, since: int, until: int, covered: list[Stretch], known: Instrument | None
) -> list[Stretch]:
    """What of ``since`` to ``until`` has to be asked for. ``covered`` counts for trades and quotes alone, and only
    on days of which the store still has rows."""
    if series.kind in (Kind.TRADES, Kind.QUOTES, Kind.BOOK):
        real = [it for it in _by_day(covered) if any(len(part) for part in store.read(series, *it))]
        return without(since, until, real)
    times = stored_times(store, series, since, until)
    if series.kind is Kind.FUNDING:
        step = known.funding_interval * MINUTE if known and known.funding_interval else FUNDING_STEP
        return missing_funding(times, since, until, step)
    return missing_points(times, since, until, series.interval)


def _by_day(stretches: list[Stretch]) -> Iterator[Stretch]:
    """The same moments, cut at every midnight UTC."""
    for since, until in stretches:
        while since < until:
            end = min(until, since - since % DAY + DAY)
            yield since, end
            since = end
