"""Prices that never were: the bars of history drawn again in blocks, so that a strategy meets other orders of events.

Blocks of bars (Politis and Romano 1994, see monte_carlo.py) are laid end to end: every bar keeps its shape relative to
the close before it, and all instruments keep the same blocks, so what moved together still does. Funding, where there
is any, keeps its times. A bar's volume goes with it.
"""

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from tradectl.backtest.optimise.monte_carlo import stationary
from tradectl.history.reading import History, MemoryHistory
from tradectl.history.series import Candles, Columns, Kind, SeriesId
from tradectl.model.errors import ErrorCode, Problem


def synthetic(
    history: History, candles: Sequence[SeriesId], others: Sequence[SeriesId], since: int, until: int, *, seed: int,
    block: float = 50.0,
) -> MemoryHistory:  # fmt: skip
    """One other history over the same times; ``candles`` are redrawn together, ``others`` taken as they are.

    Prices are rounded to the instruments' ticks. Raises ``Problem`` when the candles of the series are not of the same
    times, or there are fewer than two.
    """
    columns = {one: _whole(history, one, since, until) for one in candles}
    times = _common_times(columns)
    rows = stationary(np.random.default_rng(seed), len(times) - 1, 1, len(times) - 1, block)[0] + 1
    ticks = {it: float(found.tick_size) for it, found in history.instruments(until).items()}
    data: dict[SeriesId, Columns] = {
        one: _redrawn(cast(Candles, it), rows, ticks.get(one.instrument, 0.0)) for one, it in columns.items()
    }
    data |= {one: _whole(history, one, since, until) for one in others}
    return MemoryHistory(data, history.instruments(until).values())


def _redrawn(candles: Candles, rows: NDArray[np.int64], tick: float) -> Candles:
    """The first bar as it was, then the bars ``rows``, each scaled to follow the one before it."""
    before = candles.close[rows - 1]
    close = candles.close[0] * np.concatenate([[1.0], np.cumprod(candles.close[rows] / before)])
    scale = close[:-1] / before

    def laid(column: NDArray[np.float64]) -> NDArray[np.float64]:
        return _on_grid(np.concatenate([column[:1], column[rows] * scale]), tick)

    opened, closed = laid(candles.open), _on_grid(close, tick)
    high = np.maximum.reduce([laid(candles.high), opened, closed])
    low = np.minimum.reduce([laid(candles.low), opened, closed])
    volume = np.concatenate([candles.volume[:1], candles.volume[rows]])
    return Candles(candles.open_time, opened, high, low, closed, volume)


def _on_grid(prices: NDArray[np.float64], tick: float) -> NDArray[np.float64]:
    """On multiples of ``tick``, at least one; decimals cut as a venue prints them."""
    if not tick:
        return prices
    places = max(0, -int(np.floor(np.log10(tick))) + 2)
    return np.round(np.maximum(np.round(prices / tick), 1.0) * tick, places)


def _whole(history: History, one: SeriesId, since: int, until: int) -> Columns:
    parts = list(history.read(one, since, until))
    if not parts:
        return _empty(one)
    columns = (np.concatenate(column) for column in zip(*(part.arrays() for part in parts), strict=True))
    return type(parts[0])(*columns)


def _empty(one: SeriesId) -> Columns:
    from tradectl.history.series import COLUMNS

    kind = COLUMNS[one.kind]
    return kind(*(np.zeros(0, np.int64 if i == 0 else np.float64) for i in range(len(kind.names))))


def _common_times(columns: dict[SeriesId, Columns]) -> NDArray[np.int64]:
    times = [it.times for it in columns.values()]
    if not times or len(times[0]) < 2:
        raise _wrong("there are fewer than two candles to draw from", "widen the span")
    if any(len(it) != len(times[0]) or not np.array_equal(it, times[0]) for it in times):
        raise _wrong("the instruments' candles are not of the same times", "tradectl data check shows the gaps")
    return times[0]


def _wrong(text: str, remedy: str) -> Problem:
    return Problem(ErrorCode.INVALID_REQUEST, f"synthetic prices: {text}", field="monte-carlo", remedy=remedy)


def series_of(history: History, wanted: Sequence[SeriesId]) -> tuple[list[SeriesId], list[SeriesId]]:
    """Candles of ``wanted`` to be redrawn, and other series of the same instruments that keep their times (funding)."""
    instruments = {it.instrument for it in wanted}
    funding = [it for it in history.series() if it.kind is Kind.FUNDING and it.instrument in instruments]
    return [it for it in wanted if it.kind is Kind.CANDLES], funding
