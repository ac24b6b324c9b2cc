"""Small work on rows as columns: joining parts, choosing rows, ordering by time."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradectl.history.series import COLUMNS, Columns, Kind

#: Kinds that have one row at a time; of the others several may share one.
ONE_AT_A_TIME = frozenset({Kind.CANDLES, Kind.MARK, Kind.INDEX, Kind.FUNDING, Kind.OPEN_INTEREST})
#: Kinds that come in intervals, and are on their grid.
WITH_INTERVAL = frozenset({Kind.CANDLES, Kind.MARK, Kind.INDEX, Kind.OPEN_INTEREST})


def dtype_of(name: str) -> type[np.generic]:
    """How a column is held: times and nothing else as int64, sides and marks as int8, amounts as float64."""
    if name in ("ts", "open_time"):
        return np.int64
    return np.int8 if name in ("side", "start") else np.float64


def made(kind: Kind, arrays: Sequence[NDArray[Any]]) -> Columns:
    """Columns of ``kind`` from its arrays, in the order of its names."""
    return COLUMNS[kind](*arrays)


def empty(kind: Kind) -> Columns:
    """No rows of ``kind``."""
    return made(kind, [np.empty(0, dtype_of(name)) for name in COLUMNS[kind].names])


def joined(kind: Kind, parts: Sequence[Columns]) -> Columns:
    """The rows of all parts, one after the other; parts of one array that lie side by side are not copied."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return empty(kind)
    return made(kind, [_side_by_side(column) for column in zip(*(part.arrays() for part in parts), strict=True)])


def _side_by_side(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """``parts`` as one array: that which they were cut from where they follow each other there, else a copy."""
    whole = parts[0].base
    if not isinstance(whole, np.ndarray) or whole.ndim != 1:
        return np.concatenate(parts)
    begin = place = _place(parts[0], whole)
    for part in parts:
        same = part.base is whole and part.dtype == whole.dtype and part.strides == whole.strides
        if not same or _place(part, whole) != place:
            return np.concatenate(parts)
        place += part.size
    return whole[begin:place]


def _place(part: NDArray[Any], whole: NDArray[Any]) -> int:
    """At which element of ``whole`` a cut of it begins."""
    return int(part.ctypes.data - whole.ctypes.data) // whole.strides[0]


def chosen(columns: Columns, which: NDArray[Any]) -> Columns:
    """The rows a mask or an array of positions names."""
    return type(columns)(*(column[which] for column in columns.arrays()))


def in_order(columns: Columns) -> Columns:
    """Oldest first; rows that share a time stay as they were among themselves."""
    times = columns.times
    if len(times) < 2 or bool((times[1:] >= times[:-1]).all()):
        return columns
    return chosen(columns, np.argsort(times, kind="stable"))
