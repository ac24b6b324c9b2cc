"""The market of one instrument as the exchange keeps it: displayed levels, resting and conditional user
orders, reference prices."""

from collections.abc import Iterable
from decimal import Decimal

from tradectl.matching.accounts import Leg
from tradectl.matching.conditional import ConditionalOrder
from tradectl.matching.displayed import DisplayedSide
from tradectl.matching.grid import Grid
from tradectl.matching.resting import RestingSide
from tradectl.model.instruments import Instrument
from tradectl.model.orders import Side, TriggerBy

SECOND = 1_000_000_000
BUY = Side.BUY


class Book:
    """``premiums`` are (time, mid - reference) samples at most one a second, oldest first, for the price band.

    ``conditionals`` by order id, in the order of their turns, which is the order in which they fire. ``legs`` are the
    names of its positions by index. ``holders`` are the users' legs that have something here; ``changed``, shared by
    all books, those whose margin was not worked out since (:mod:`tradectl.matching.margin_sums`).
    """

    __slots__ = (
        "asks", "bids", "buys", "changed", "conditionals", "grid", "holders", "index", "instrument", "is_spot", "last",
        "legs", "mark", "premiums", "sells",
    )  # fmt: skip

    def __init__(self, instrument: Instrument, changed: set[tuple[str, Leg]]) -> None:
        self.instrument = instrument
        self.is_spot = instrument.is_spot
        self.legs = tuple(Leg(instrument.id, idx) for idx in (0, 1, 2))
        self.holders: set[tuple[str, Leg]] = set()
        self.changed = changed
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
        return self.bids if side is BUY else self.asks

    def may_reach(self, ticks: int) -> bool:
        """Whether a resting order stands at a price or on the far side of it."""
        buys, sells = self.buys.keys, self.sells.keys
        return bool((buys and buys[0] <= -ticks) or (sells and sells[0] <= ticks))

    def resting(self, side: Side) -> RestingSide:
        return self.buys if side is BUY else self.sells

    def touch(self, uid: str, idx: int) -> None:
        """Note that a user's position or orders here changed."""
        key = (uid, self.legs[idx])
        if key not in self.changed:  # what is there is a holder, too
            self.holders.add(key)
            self.changed.add(key)

    def levels(self, side: Side, levels: Iterable[tuple[Decimal, Decimal]]) -> dict[int, int]:
        """Displayed levels by key; whole lots only. Raises ``ValueError`` for a price off the tick or a negative
        size."""
        grid, sign = self.grid, -1 if side is BUY else 1
        tick, lot = grid.tick, grid.lot
        sizes = {}
        for price, size in levels:
            ticks = int(price / tick)
            if ticks * tick != price:
                ticks = grid.ticks(price)  # which says what is wrong
            sizes[sign * ticks] = int(size / lot)
        if sizes and min(sizes.values()) < 0:
            raise ValueError(f"negative size in the book of {self.instrument.id}")
        return sizes

    def standing(self, side: Side, levels: Iterable[tuple[Decimal, Decimal]]) -> dict[int, int]:
        """As :meth:`levels`, without those that hold less than a lot."""
        sizes = self.levels(side, levels)
        return sizes if all(sizes.values()) else {key: lots for key, lots in sizes.items() if lots}

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
        base = self.index if self.is_spot else self.mark
        mid = None if base is None else self.mid()
        if mid is None or base is None:
            return
        if self.premiums and self.premiums[0][0] <= now - window:
            self.premiums = [sample for sample in self.premiums if sample[0] > now - window]
        self.premiums.append((now, mid - base))
