"""Cells of a foreign file as numbers: float64 exactly nearest to the text, and why a cell is none."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Beyond these no market has a price or size.
SMALLEST, LARGEST = 1e-30, 1e20
_BUYS = {"buy": 1, "b": 1, "1": 1, "sell": -1, "s": -1, "-1": -1}
_BUYER_MADE = {"true": -1, "false": 1, "1": -1, "0": 1}

Numbers = tuple[NDArray[np.float64], dict[int, str]]


def numbers_of(cells: Sequence[Any] | NDArray[Any]) -> Numbers:
    """The cells as float64 (NaN where one is no finite number), and what is wrong with each bad one."""
    if isinstance(cells, np.ndarray) and cells.dtype.kind in "iuf":
        return _finite(cells.astype(np.float64), cells)
    try:
        plain = all(type(cell) is not str for cell in cells) or _is_plain("".join(cells))
        values = np.array(list(map(float, cells)), np.float64) if plain else None
    except (ValueError, TypeError):
        values = None
    return _one_by_one(cells) if values is None else _finite(values, cells)


def _is_plain(text: str) -> bool:
    """Python's ``float`` also takes 1_000 and the digits of other scripts, which no venue writes."""
    return "_" not in text and text.isascii()


def _finite(values: NDArray[np.float64], cells: Sequence[Any] | NDArray[Any]) -> Numbers:
    size = np.abs(values)
    good = (size <= LARGEST) & ((size >= SMALLEST) | (size == 0))  # false for NaN and infinity as well
    bad = {int(row): _why_not(values[row], cells[int(row)]) for row in np.flatnonzero(~good)}
    if bad:
        values = np.where(good, values, np.nan)
    return values + 0.0, bad  # + 0.0 turns -0.0 into 0.0


def _why_not(value: float, cell: Any) -> str:
    return f"{cell} is not a finite number" if not np.isfinite(value) else f"{cell} is beyond any market"


def _one_by_one(cells: Sequence[Any] | NDArray[Any]) -> Numbers:
    values = np.full(len(cells), np.nan)
    wrong: dict[int, str] = {}
    for row, cell in enumerate(cells):
        try:
            if cell is None or isinstance(cell, bool) or not _is_plain(str(cell)):
                raise ValueError
            values[row] = float(cell)
        except (ValueError, TypeError):
            wrong[row] = "is empty" if cell is None or str(cell).strip() == "" else f"{cell!r} is not a number"
    values, beyond = _finite(values, cells)
    return values, {**beyond, **wrong}


def sides_of(cells: Sequence[Any] | NDArray[Any], name: str) -> tuple[NDArray[np.int8], dict[int, str]]:
    """The taker's side: 1 bought, -1 sold; 0 where a cell says neither. A column of buyers who made says the other."""
    words = _BUYER_MADE if name.lower().endswith(("maker", "m")) else _BUYS
    found = [words.get(str(cell).strip().lower(), 0) for cell in cells]
    expected = "true nor false" if words is _BUYER_MADE else "buy nor sell"
    bad = {row: f"{cells[row]!r} is neither {expected}" for row, side in enumerate(found) if not side}
    return np.array(found, np.int8), bad
