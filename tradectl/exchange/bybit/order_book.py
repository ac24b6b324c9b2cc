"""A book kept from snapshots and deltas: a dict of sizes beside a sorted list of prices, checked as it is fed."""

from bisect import bisect_left, insort
from math import inf

from tradectl.exchange.bybit.wire import Levels


class BadFrame(ValueError):
    """An inbound frame that must not be believed; the text says why."""


class BookSide:
    """One side: ``prices`` ascending, ``sizes`` by price."""

    __slots__ = ("prices", "sizes")

    def __init__(self) -> None:
        self.sizes: dict[float, float] = {}
        self.prices: list[float] = []

    def replace(self, levels: Levels) -> None:
        """Take a snapshot. Raises :class:`BadFrame` on a level that is not finite and positive."""
        for price, size in levels:
            if not (0.0 < price < inf and 0.0 < size < inf):
                raise BadFrame(f"level {price} x {size} is not finite and positive")
        self.sizes = dict(levels)
        self.prices = sorted(self.sizes)

    def change(self, levels: Levels) -> None:
        """Take a delta: size 0 deletes. Raises :class:`BadFrame` like :meth:`replace`, half applied."""
        sizes, prices = self.sizes, self.prices
        for price, size in levels:
            if not (0.0 < price < inf and 0.0 <= size < inf):
                raise BadFrame(f"level {price} x {size} is not finite and positive")
            if price in sizes:
                if size:
                    sizes[price] = size
                else:
                    del sizes[price]
                    del prices[bisect_left(prices, price)]
            elif size:
                sizes[price] = size
                insort(prices, price)


class OrderBook:
    """Both sides and the sequence. A book that raised is worthless until the next snapshot."""

    __slots__ = ("asks", "bids", "synced", "update_id")

    def __init__(self) -> None:
        self.bids, self.asks = BookSide(), BookSide()
        self.update_id = 0
        self.synced = False

    def replace(self, bids: Levels, asks: Levels, update_id: int) -> None:
        """Start over from a snapshot. Raises :class:`BadFrame`."""
        self.synced = False
        self.bids.replace(bids)
        self.asks.replace(asks)
        self._check()
        self.update_id, self.synced = update_id, True

    def change(self, bids: Levels, asks: Levels, update_id: int) -> None:
        """Apply the next delta (``u`` rises by one, bybit-v5 8.2). Raises :class:`BadFrame`."""
        if update_id != self.update_id + 1:
            self.synced = False
            raise BadFrame(f"update {update_id} follows {self.update_id}: frames are missing")
        self.synced = False
        self.bids.change(bids)
        self.asks.change(asks)
        self._check()
        self.update_id, self.synced = update_id, True

    def _check(self) -> None:
        bids, asks = self.bids.prices, self.asks.prices
        if bids and asks and bids[-1] >= asks[0]:
            raise BadFrame(f"bid {bids[-1]} is not below ask {asks[0]}")

    @property
    def best_bid(self) -> float | None:
        return self.bids.prices[-1] if self.bids.prices else None

    @property
    def best_ask(self) -> float | None:
        return self.asks.prices[0] if self.asks.prices else None

    def levels(self, depth: int) -> tuple[Levels, Levels]:
        """The best ``depth`` levels of both sides as ``(price, size)``, best first."""
        bids = tuple((p, self.bids.sizes[p]) for p in reversed(self.bids.prices[-depth:]))
        asks = tuple((p, self.asks.sizes[p]) for p in self.asks.prices[:depth])
        return bids, asks
