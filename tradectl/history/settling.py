"""Moving what waits in a spool into the store."""

import numpy as np

from tradectl.history.columns import ONE_AT_A_TIME, chosen, in_order
from tradectl.history.coverage import Coverage
from tradectl.history.series import Columns
from tradectl.history.sources import HistorySink
from tradectl.history.spool import Spool


def settle(store: HistorySink, spool: Spool) -> int:
    """Write what waits and empty the spool. A kill in between makes the same rows be written twice.

    Stored rows stay where new ones contradict them; how many new ones were left out for that.

    Of trades and quotes a spool holds one unbroken stretch, which is then covered up to its last moment: that one may
    still grow.
    """
    if not spool.rows:
        return 0
    rows = _ordered(spool)
    kept = store.write(spool.series, rows, "keep").kept
    if spool.series.kind not in ONE_AT_A_TIME:
        Coverage(spool.path.parent, spool.series).add(int(rows.times[0]), int(rows.times[-1]))
    spool.clear()
    return kept


def settle_but_last(store: HistorySink, spool: Spool) -> int:
    """Like :func:`settle`, but the rows of the newest moment wait on, so that no two writes share a time."""
    if not spool.rows:
        return 0
    rows = _ordered(spool)
    newest = int(np.searchsorted(rows.times, rows.times[-1]))
    if newest == 0:
        return 0
    done, waits = rows.rows(0, newest), rows.rows(newest)
    kept = store.write(spool.series, done, "keep").kept
    if spool.series.kind not in ONE_AT_A_TIME:
        Coverage(spool.path.parent, spool.series).add(int(done.times[0]), int(waits.times[0]))
    spool.clear()
    spool.append(waits)
    return kept


def _ordered(spool: Spool) -> Columns:
    """What waits, oldest first; of kinds with one row a time each once."""
    rows = in_order(spool.waiting)
    if spool.series.kind not in ONE_AT_A_TIME or len(rows) < 2:
        return rows
    return chosen(rows, np.concatenate(([True], rows.times[1:] != rows.times[:-1])))
