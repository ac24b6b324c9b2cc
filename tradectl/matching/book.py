"""The market of one instrument as the exchange keeps it: displayed levels, resting and conditional user
orders, reference prices."""

from collections.abc import Iterable
from decimal import Decimal

from tradectl.matching.conditional import ConditionalOrder
from tradectl.matching.displayed import DisplayedSide
from tradectl.matching.grid import Grid
from tradectl.matching.resting import RestingSide
from tradectl.model.instruments import Instrument
from tradectl.model.orders import Side, TriggerBy

SECOND = 1_000_000_000


class Book:
    """``premiums`` are (time, mid - reference) samples at most one a second, oldest first, for the price band.

    ``conditionals`` by order id, in the order of their turns, which is the order in which they fire.
    """

    __slots__ = (
        "asks", "bids", "buys", "conditionals", "grid", "index", "instrument", "last", "mark", "premiums", "sells",
    )  # fmt: skip

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.grid = Grid.of(instrument)
        self.bids = DisplayedSide()
        self.asks = DisplayedSide()
        self.buys = RestingSide()
        self.sells = RestingSide()
        self.conditionals: dict[str, ConditionalOrder] = {}
        self.mark: Decimal | None = None
        self.index: Decimal | None = None
        self.last: Decimal | None = None
        self.premiums: list[tuple[int, Decimal]] = []

    def displayed(self, side: Side) -> DisplayedSide:
        """The displayed side that an order of ``side`` would join."""
        return self.bids if side is Side.BUY else self.asks

    def resting(self, side: Side) -> RestingSide:
        return self.buys if side is Side.BUY else self.sells

    def levels(self, side: Side, levels: Iterable[tuple[Decimal, Decimal]]) -> dict[int, int]:
        """Displayed levels by key; whole lots only. Raises ``ValueError`` for a price off the tick or a negative
        size."""
        grid, sign = self.grid, -side.sign
        sizes = {sign * grid.ticks(price): grid.whole_lots(size) for price, size in levels}
        if sizes and min(sizes.values()) < 0:
            raise ValueError(f"negative size in the book of {self.instrument.id}")
        return sizes

    def standing(self, side: Side, levels: Iterable[tuple[Decimal, Decimal]]) -> dict[int, int]:
        """As :meth:`levels`, without those that hold less than a lot."""
        return {key: lots for key, lots in self.levels(side, levels).items() if lots}

    def best_price(self, side: Side) -> Decimal | None:
        """Best displayed price of a side (BUY: the bid)."""
        key = self.displayed(side).best()
        return None if key is None else self.grid.price(abs(key))

    def mid(self) -> Decimal | None:
        bid, ask = self.best_price(Side.BUY), self.best_price(Side.SELL)
        return None if bid is None or ask is None else (bid + ask) / 2

    def reference(self) -> Decimal | None:
        """The price that values a position: mark, or where none was stated last, or the middle of the book."""
        if self.mark is not None:
            return self.mark
        return self.last if self.last is not None else self.mid()

    def price_by(self, by: TriggerBy) -> Decimal | None:
        """The price that triggers of this kind look at."""
        if by is TriggerBy.LAST:
            return self.last
        return self.mark if by is TriggerBy.MARK else self.index

    def sample_premium(self, now: int, window: int) -> None:
        """Note how far the middle of a changed book is from mark or index; forget what is older than ``window``."""
        if self.premiums and now - self.premiums[-1][0] < SECOND:
            return
        mid = self.mid()
        base = self.index if self.instrument.is_spot else self.mark
        if mid is None or base is None:
            return
        self.premiums = [sample for sample in self.premiums if sample[0] > now - window]
        self.premiums.append((now, mid - base))
