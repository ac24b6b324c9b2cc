"""Whether two runs made the same trades, and in words why not."""

from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tests.benchmarks.peers.alone.handover import MINUTE, Candles, Rules, averages

#: Averages closer than this share of the price may cross or not as their last digits are rounded.
ROUNDING = 1e-12
#: What a peer may be off in a price or an amount of coins and still mean the same decimal number.
SAME = 1e-9
#: The candles' price step, and the digits a peer may add to it.
TICK = 0.1 + SAME


class Trade(NamedTuple):
    """All fills of one side at one moment: coins, and their average price."""

    price: float
    qty: float


Trades = dict[tuple[int, int], Trade]


def trades_of(path: Path) -> Trades:
    """Fills of an answer, those of one moment and side as one trade."""
    with np.load(path) as stored:
        rows = zip(*(stored[name].tolist() for name in ("at", "side", "price", "qty")), strict=True)
        found: Trades = {}
        for at, side, price, qty in rows:
            before = found.get((at, side), Trade(0.0, 0.0))
            total = before.qty + qty
            found[at, side] = Trade((before.price * before.qty + price * qty) / total, total)
    return found


class Gaps:
    """How far the averages are apart at the end of each candle, as a share of the close."""

    def __init__(self, candles: Candles) -> None:
        closes = candles.close.tolist()
        fast, slow = (list(map(averages(period), closes)) for period in (Rules.FAST, Rules.SLOW))
        pairs = zip(fast, slow, closes, strict=True)
        self._gaps = [abs(f - s) / c if f is not None and s is not None else 1.0 for f, s, c in pairs]

    def is_tie(self, place: int) -> bool:
        """Whether rounding decides if the averages cross at this candle."""
        return self._gaps[place] < ROUNDING


def differences(expected: Trades, found: Trades, candles: Candles) -> list[str]:
    """What differs, each with how often and why; empty when the trades are the same."""
    lone = [(key, key in expected) for key in sorted(expected.keys() ^ found.keys())]
    gaps = Gaps(candles) if lone else None
    said = Counter(_lone(key, missing, candles, gaps) for key, missing in lone)
    for key in expected.keys() & found.keys():
        text = _priced(expected[key], found[key], candles, _place(candles, key[0]))
        if text:
            said[text] += 1
    return [f"{count} {text}" for text, count in sorted(said.items())]


def _place(candles: Candles, at: int) -> int:
    """The candle that ended at ``at``; -1 when none did."""
    place = int(np.searchsorted(candles.time, at - MINUTE))
    return place if place < len(candles) and candles.time[place] == at - MINUTE else -1


def _lone(key: tuple[int, int], missing: bool, candles: Candles, gaps: Any) -> str:
    place = _place(candles, key[0])
    word = "missing" if missing else "more"
    if place < 0:
        return f"{word}: at no candle's end"
    if place == len(candles) - 1:
        return f"{word}: at the end of the last candle"
    if gaps.is_tie(place):
        return f"{word}: the averages are equal but for rounding"
    return f"{word}: UNEXPLAINED"


def _priced(expected: Trade, found: Trade, candles: Candles, place: int) -> str:
    if abs(expected.qty - found.qty) > SAME * expected.qty:
        return "of another size"
    if abs(expected.price - found.price) <= SAME * expected.price:
        return ""
    if candles.volume[place] / 4 < expected.qty and abs(expected.price - found.price) <= TICK:
        return "at most a tick off: larger than a quarter of the candle's volume"
    if place + 1 < len(candles) and found.price == candles.open[place + 1]:
        return "at the open of the next candle"
    return "at another price: UNEXPLAINED"


def read(folder: Path) -> Candles:
    """The candles the runs were given."""
    return Candles(str(folder))
