"""One displayed side of the market's book, and how much of it our own fills have used up.

Keys are ticks for asks and negative ticks for bids, so that on both sides a smaller key is a better price. What a fill
used of a level stays used until the level is updated: a level that is stated again with the same size was not.
"""

from bisect import bisect_left, insort

#: ``ahead_at`` when the level lies outside what the market displays: nobody knows who stands there.
UNKNOWN = -1


class DisplayedSide:
    """Sizes in lots by key."""

    __slots__ = ("keys", "sizes", "used")

    def __init__(self, sizes: dict[int, int] | None = None, used: dict[int, int] | None = None) -> None:
        self.sizes = sizes or {}
        self.used = used or {}
        self.keys = sorted(self.sizes)

    def replace(self, sizes: dict[int, int]) -> None:
        """Take a full new picture of the side."""
        if self.used:
            old = self.sizes
            self.used = {key: lots for key, lots in self.used.items() if sizes.get(key) == old[key]}
        self.sizes = sizes
        self.keys = sorted(sizes)

    def show(self, sizes: dict[int, int]) -> None:
        """As :meth:`replace`, all of it fresh."""
        if self.used:
            self.used = {}
        self.sizes = sizes
        self.keys = sorted(sizes) if len(sizes) > 1 else list(sizes)

    def update(self, key: int, lots: int) -> None:
        """Set one level (0 removes it); what was used of it is fresh again."""
        self.used.pop(key, None)
        if lots == 0:
            if self.sizes.pop(key, None) is not None:
                del self.keys[bisect_left(self.keys, key)]
            return
        if key not in self.sizes:
            insort(self.keys, key)
        self.sizes[key] = lots

    def best(self) -> int | None:
        """The best key with something left to take."""
        if not self.used:
            return self.keys[0] if self.keys else None
        sizes, used = self.sizes, self.used
        for key in self.keys:
            if sizes[key] > used.get(key, 0):
                return key
        return None

    def available(self, key: int) -> int:
        return self.sizes.get(key, 0) - self.used.get(key, 0)

    def available_to(self, limit: int) -> int:
        """Everything left at ``limit`` or better."""
        return sum(self.available(key) for key in self.keys if key <= limit)

    def take(self, key: int, lots: int) -> None:
        self.used[key] = self.used.get(key, 0) + lots

    def ahead_at(self, key: int) -> int:
        """What stands before an order that joins at ``key`` now; :data:`UNKNOWN` beyond the displayed levels."""
        if key in self.sizes:
            return self.available(key)
        return 0 if self.keys and key < self.keys[-1] else UNKNOWN
