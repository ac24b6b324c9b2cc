"""Candles made from trades, as Bybit makes its own: each opens at the last price before it, empty ones stay flat."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradectl.history.series import Candles, Tape


def bars_of(tape: Tape, since: int, until: int, step: int, before: float = 0.0, *, inverse: bool = False) -> Candles:
    """The candles opening from ``since`` to before ``until``; ``step`` is their length, ``since`` is on their grid.

    ``before`` is the price of the last trade before ``since``; without it (0.0) the first candle is that of the first
    trade and opens there. High and low include the open. Volume is the sum of the sizes and turnover its value in the
    other coin: with ``inverse`` sizes are in quote and turnover in base coin (bybit-v5 4.2). Sums are rounded to eight
    decimals, finer than any lot, so that the dust of adding floats does not stay.
    """
    tape = tape.between(since, until)  # type: ignore[assignment]
    count = (until - since) // step
    if not len(tape) and not before:
        count = 0
    edges = since + step * np.arange(count + 1, dtype=np.int64)
    bounds = np.searchsorted(tape.ts, edges)
    starts, traded = bounds[:-1], np.diff(bounds) > 0
    last = np.append(tape.price, before)[bounds[1:] - 1]  # -1 is before the first trade
    open_ = np.concatenate(([before], last[:-1])) if count else last
    if count and not before:
        first = int(np.argmax(traded))
        open_[first] = tape.price[0]
    high, low = open_.copy(), open_.copy()
    volume, turnover = np.zeros(count), np.zeros(count)
    if traded.any():
        at = starts[traded]
        value = tape.size / tape.price if inverse else tape.size * tape.price
        high[traded] = np.maximum(high[traded], np.maximum.reduceat(tape.price, at))
        low[traded] = np.minimum(low[traded], np.minimum.reduceat(tape.price, at))
        volume[traded] = np.round(np.add.reduceat(tape.size, at), 8)
        turnover[traded] = np.round(np.add.reduceat(value, at), 8)
    kept = slice(0 if before or not count else int(np.argmax(traded)), None)
    columns: tuple[NDArray[Any], ...] = (edges[:-1], open_, high, low, last, volume, turnover)
    return Candles(*(column[kept] for column in columns))
