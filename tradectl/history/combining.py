"""New rows into stored rows: which are new, which are the same, which say something else about a known time."""

from typing import Any, Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tradectl.history.columns import ONE_AT_A_TIME, chosen, in_order, joined
from tradectl.history.series import Columns, SeriesId
from tradectl.model.errors import ErrorCode, Problem

#: What is done with rows that contradict stored ones: refused, left as stored, or taken over.
Policy = Literal["refuse", "keep", "replace"]


class Written(Struct, frozen=True):
    """What became of rows handed in: added, put in the place of stored ones, known already, or left out."""

    new: int = 0
    replaced: int = 0
    identical: int = 0
    kept: int = 0

    def __add__(self, other: "Written") -> "Written":
        return Written(
            self.new + other.new, self.replaced + other.replaced,
            self.identical + other.identical, self.kept + other.kept,
        )  # fmt: skip


def combine(series: SeriesId, stored: Columns, fresh: Columns, policy: Policy) -> tuple[Columns, Written]:
    """All rows in order, and what became of ``fresh``. Both are ordered; kinds with one row a time repeat none.

    Trades and quotes may share a time: a time's rows are what either side has, each as often as the side that has it
    more often; nothing there can contradict, and ``replace`` takes the whole time from ``fresh``.

    Raises :class:`Problem` with ``policy`` ``refuse`` when a time is stored with other values.
    """
    if not len(stored) or not len(fresh) or stored.times[-1] < fresh.times[0]:
        return joined(series.kind, [stored, fresh]), Written(new=len(fresh))
    if series.kind in ONE_AT_A_TIME:
        return _by_time(series, stored, fresh, policy)
    return _by_row(series, stored, fresh, policy)


def _by_time(series: SeriesId, stored: Columns, fresh: Columns, policy: Policy) -> tuple[Columns, Written]:
    _, old, new = np.intersect1d(stored.times, fresh.times, assume_unique=True, return_indices=True)
    other = np.zeros(len(old), bool)
    better = np.zeros(len(old), bool)
    for name, before, after in zip(stored.names, stored.arrays(), fresh.arrays(), strict=True):
        differs = before[old] != after[new]
        if name == "turnover":  # 0 is unknown and contradicts nothing; what is known wins
            better = (before[old] == 0) & (after[new] != 0)
            differs &= (before[old] != 0) & (after[new] != 0)
        other |= differs
    better &= ~other
    conflicts = int(other.sum())
    if conflicts and policy == "refuse":
        raise conflict(series, stored, int(old[other][0]), fresh, int(new[other][0]), conflicts)
    over = better | other if policy == "replace" else better
    stays, taken = np.ones(len(stored), bool), np.ones(len(fresh), bool)
    stays[old[over]] = False
    taken[new[~over]] = False
    rows = in_order(joined(series.kind, [chosen(stored, stays), chosen(fresh, taken)]))
    replaced = int(over.sum())
    kept = 0 if policy == "replace" else conflicts
    return rows, Written(int(taken.sum()) - replaced, replaced, len(old) - replaced - kept, kept)


def _by_row(series: SeriesId, stored: Columns, fresh: Columns, policy: Policy) -> tuple[Columns, Written]:
    if policy == "replace":
        gone = np.isin(stored.times, fresh.times)
        same = int(np.isin(_occurrences(fresh), _occurrences(chosen(stored, gone))).sum())
        rows = in_order(joined(series.kind, [chosen(stored, ~gone), fresh]))
        replaced = min(int(gone.sum()), len(fresh)) - same
        return rows, Written(len(fresh) - same - max(replaced, 0), max(replaced, 0), same)
    known = np.isin(_occurrences(fresh), _occurrences(stored))
    rows = in_order(joined(series.kind, [stored, chosen(fresh, ~known)]))
    return rows, Written(new=int((~known).sum()), identical=int(known.sum()))


def _occurrences(columns: Columns) -> NDArray[Any]:
    """Each row with how many equal ones stand before it, as one comparable value."""
    raw = np.column_stack([_bytes(column) for column in columns.arrays()])
    rows = np.ascontiguousarray(raw).view(np.dtype((np.void, raw.shape[1]))).ravel()
    order = np.argsort(rows, kind="stable")
    ordered = rows[order]
    starts = np.ones(len(rows), bool)
    starts[1:] = ordered[1:] != ordered[:-1]
    places = np.arange(len(rows))
    count = np.empty(len(rows), np.int64)
    count[order] = places - np.maximum.accumulate(np.where(starts, places, 0))
    full = np.column_stack([raw, _bytes(count)])
    return np.ascontiguousarray(full).view(np.dtype((np.void, full.shape[1]))).ravel()


def _bytes(column: NDArray[Any]) -> NDArray[np.uint8]:
    plain = np.ascontiguousarray(column + 0)  # + 0 makes -0.0 and 0.0 the same bytes
    return plain.view(np.uint8).reshape(len(plain), -1)


def conflict(series: SeriesId, stored: Columns, old: int, fresh: Columns, new: int, count: int) -> Problem:
    """The problem of rows that contradict stored ones; the first is told."""
    at = np.datetime64(int(stored.times[old]), "ns").astype("datetime64[ms]")
    known, given = (
        ", ".join(f"{name} {column[row]}" for name, column in zip(it.names[1:], it.arrays()[1:], strict=True))
        for it, row in ((stored, old), (fresh, new))
    )
    return Problem(
        ErrorCode.CONFLICT,
        f"{series}: {count} rows contradict what is stored; the first is {at}Z: stored {known}; new {given}",
        field="time",
        reason="a time has one row",
        remedy="--replace takes the new rows, --keep the stored ones; nothing was written",
        data={"series": str(series), "rows": count, "first": int(stored.times[old])},
    )
