"""What is still to come in a simulated world, by time: arrivals at the venue, answers, timers, funding."""

from enum import IntEnum
from heapq import heappop, heappush
from typing import Any


class Due(IntEnum):
    """What is due. At one moment in this order: the venue's own doings, then what the engine hears, then timers."""

    FUNDING = 0
    ARRIVAL = 1
    EVENT = 2
    TIMER = 3


#: No time at all: later than every candle.
NEVER = 1 << 63


class Agenda:
    """Entries by (time, kind, order of entry). ``next`` is the time of the first one."""

    __slots__ = ("_heap", "_number", "next")

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, int, Any]] = []
        self._number = 0
        self.next = NEVER

    def add(self, at: int, due: Due, what: Any) -> None:
        """Note ``what`` for ``at``."""
        self._number += 1
        heappush(self._heap, (at, due, self._number, what))
        self.next = self._heap[0][0]

    def pop(self, until: int, last: Due) -> tuple[int, int, Any] | None:
        """The next entry before ``until``, or at it and not of a later kind than ``last``."""
        if not self._heap or self._heap[0][:2] > (until, last):
            return None
        at, due, _, what = heappop(self._heap)
        self.next = self._heap[0][0] if self._heap else NEVER
        return at, due, what

    def left(self, due: Due) -> list[Any]:
        """What of one kind is still to come, in its order."""
        return [entry[3] for entry in sorted(self._heap) if entry[1] == due]
