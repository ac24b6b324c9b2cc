"""The displayed book around the last print: a plain one for replays, a lively one for generated markets.

Both are functions of the instrument, the last print and a step number, so a restart shows the same book again.
"""

from decimal import Decimal
from typing import Protocol

from tradectl.matching.synthetic_book import BookShape, synthetic_book
from tradectl.model.instruments import Category, Instrument
from tradectl.model.orders import Side
from tradectl.sandbox.market.mixing import MASK, mix, salt

Level = tuple[Decimal, Decimal]
Levels = list[Level]

#: What the best level of a replay's book displays, in quote coin.
REPLAY_BEST_VALUE = Decimal(100_000)
#: What an average level near the touch of a generated book displays, in quote coin.
LEVEL_VALUE = 60_000.0
#: Ticks from the touch with a level each; beyond, levels on multiples of 5 and then of 25 ticks, which hold more.
DENSE, MIDDLE = 20, 120
#: A level keeps its size for this many steps.
LEVEL_LIFE = 12
#: Levels per side that are matched against; feeds may show more.
MATCHED_DEPTH = 50
DEEPEST = 200


class Liquidity(Protocol):
    """Makes the book that stands after a print."""

    def levels(self, price: Decimal, side: Side, number: int, depth: int) -> tuple[Levels, Levels]:
        """Bids and asks, best first, at most ``depth`` each; ``side`` is the taker's of the last print at ``price``
        and ``number`` counts the steps."""


class ReplayLiquidity:
    """The synthetic book of :mod:`tradectl.matching.synthetic_book`, sized by the first price of the file."""

    def __init__(self, instrument: Instrument, first_price: Decimal) -> None:
        self._tick, self._lot = instrument.tick_size, instrument.lot_size
        base = max(1, int(REPLAY_BEST_VALUE / (first_price * self._lot)))
        self._shape = BookShape(base_lots=base, step_lots=max(1, base // 2))

    def levels(self, price: Decimal, side: Side, number: int, depth: int) -> tuple[Levels, Levels]:
        bids, asks = synthetic_book(price, self._tick, self._lot, self._shape)
        return bids[:depth], asks[:depth]


class LivelyLiquidity:
    """A deep book whose levels stand at fixed prices and change their size every few steps.

    A buyer's print was at the best ask, a seller's at the best bid; the spread is ``spread`` ticks, at times
    twice as wide.
    """

    def __init__(self, instrument: Instrument, first_price: Decimal, seed: int, spread: int = 1) -> None:
        self._tick, self._lot = instrument.tick_size, instrument.lot_size
        self._spread = spread
        self._salt = salt(seed, instrument.id, "book")
        unit = self._lot if instrument.id.category is Category.INVERSE else first_price * self._lot
        self._mean_lots = max(2, int(LEVEL_VALUE / float(unit)))
        self._sizes: dict[tuple[int, int, int], Level] = {}

    def levels(self, price: Decimal, side: Side, number: int, depth: int) -> tuple[Levels, Levels]:
        touch = int(price / self._tick)
        spread = self._spread * (2 if mix(self._salt + number) % 8 == 0 else 1)
        bid = touch - spread if side is Side.BUY else touch
        if len(self._sizes) > 8 * DEEPEST:
            self._sizes.clear()
        ask = bid + spread
        bids = [self._level(tick, grid, number) for tick, grid in _ladder(bid, -1, depth)]
        asks = [self._level(tick, grid, number) for tick, grid in _ladder(ask, 1, depth)]
        return bids, asks

    def _level(self, tick: int, grid: int, number: int) -> Level:
        key = self._salt ^ (tick * 0x9E3779B97F4A7C15 & MASK)
        life = (number + key) // LEVEL_LIFE
        found = self._sizes.get((tick, grid, life))
        if found is None:
            # Between a tenth and twice the mean, more where a level stands for several ticks.
            lots = max(1, self._mean_lots * grid * (100 + mix(key + life) % 1900) // 1000)
            found = self._sizes[tick, grid, life] = (tick * self._tick, lots * self._lot)
        return found


def _ladder(touch: int, step: int, depth: int) -> list[tuple[int, int]]:
    """The ticks with a level, from the touch outwards, each with the ticks it stands for."""
    ladder: list[tuple[int, int]] = []
    tick = touch
    while len(ladder) < depth and tick > 0:
        distance = abs(tick - touch)
        grid = 1 if distance < DENSE else 5 if distance < MIDDLE else 25
        if tick % grid == 0:
            ladder.append((tick, grid))
            tick += step * grid
        else:
            tick += step
    return ladder
