"""The resting user orders of one side, by price and then time."""

from bisect import bisect_left, insort

from msgspec import Struct

from tradectl.matching.records import VenueOrder


class RestingOrder(Struct, eq=False):
    """An open order in whole ticks and lots. ``key`` orders by price (see :mod:`tradectl.matching.displayed`).

    ``ahead`` is the market's size before it in the queue at its price, -1 unknown; ``turn`` is its place in time.
    """

    order: VenueOrder
    key: int
    leaves: int
    ahead: int
    turn: int

    @property
    def ticks(self) -> int:
        return abs(self.key)


def _turn(resting: RestingOrder) -> int:
    return resting.turn


class RestingSide:
    """Queues of orders by key; the first order of the smallest key is the next to trade."""

    __slots__ = ("keys", "queues")

    def __init__(self) -> None:
        self.keys: list[int] = []
        self.queues: dict[int, list[RestingOrder]] = {}

    def add(self, resting: RestingOrder) -> None:
        """Put the order in its place in time among those at its price."""
        queue = self.queues.get(resting.key)
        if queue is None:
            insort(self.keys, resting.key)
            self.queues[resting.key] = [resting]
        else:
            insort(queue, resting, key=_turn)

    def remove(self, resting: RestingOrder) -> None:
        queue = self.queues[resting.key]
        queue.remove(resting)
        if not queue:
            del self.queues[resting.key]
            del self.keys[bisect_left(self.keys, resting.key)]

    def best(self) -> RestingOrder | None:
        return self.queues[self.keys[0]][0] if self.keys else None

    def available_to(self, limit: int, *, without: str = "") -> int:
        """Lots resting at ``limit`` or better, not counting the account ``without``."""
        reached = (resting for key in self.keys if key <= limit for resting in self.queues[key])
        return sum(resting.leaves for resting in reached if resting.order.uid != without)

    def first_of(self, uid: str, limit: int) -> RestingOrder | None:
        """The first order of one account at ``limit`` or better."""
        reached = (resting for key in self.keys if key <= limit for resting in self.queues[key])
        return next((resting for resting in reached if resting.order.uid == uid), None)

    def available_before(self, order: RestingOrder) -> int:
        """Lots that trade before ``order``."""
        before = (resting for key in self.keys if key <= order.key for resting in self.queues[key])
        return sum(resting.leaves for resting in before if (resting.key, resting.turn) < (order.key, order.turn))
