"""One instrument's candles as the engine is told of them, made ahead in columns: no other way costs so little."""

from collections.abc import Iterator
from itertools import count, repeat

import numpy as np
from numpy.typing import NDArray

from tradectl.engine.quiet_bars import Closing
from tradectl.history.series import Candles
from tradectl.model.events import BarClosed
from tradectl.model.market_data import Bar
from tradectl.simulation.display import Display

#: Below this, floats count every whole number.
_EXACT = 2.0**52


def closings(part: Candles, interval: str, length: int, display: Display) -> Iterator[Closing]:
    """Candles that are heard of the moment they end, with the touch ``display`` shows at their close."""
    columns = [column.tolist() for column in part.arrays()]
    _, _, highs, lows, closes, volumes, _ = columns
    ends = (part.open_time + length).tolist()
    bids, asks = touches(display, part.close)
    of, bars = repeat(display.instrument.id), map(Bar, *columns)
    told = map(BarClosed, ends, ends, of, repeat(interval), bars, bids, asks, closes)
    return zip(count(1), ends, lows, highs, closes, volumes, told, strict=False)


def touches(display: Display, prices: NDArray[np.float64]) -> tuple[list[float], list[float]]:
    """Bids and asks as ``display`` shows them at each of the prices; its own price stays."""
    scale, half = 10.0**display.digits, display.half
    whole, shift = np.rint(prices * scale), round(half * scale)
    bids, asks = (whole - shift) / scale, (whole + shift) / scale
    above = prices - half > float(display.instrument.tick_size) / 2  # a bid is at least a tick
    usual = (whole / scale == prices) & above & (whole < _EXACT) & (half >= 0)
    here = display.price
    for place in np.flatnonzero(~usual).tolist():
        display.price = float(prices[place])
        bids[place], asks[place] = display.touch()
    display.price = here
    return bids.tolist(), asks.tolist()
