"""Lanes: where requests stand while they wait. A lane holds what shares a rank and a rate group, oldest first."""

from collections.abc import Iterator
from operator import attrgetter

from msgspec import Struct, field

from tradectl.engine.waiting import PROTECTIVE, Waiting

_SINCE = attrgetter("since")


class Lane(Struct):
    """Requests of one rank and group by key, oldest first; ``batchable`` counts those a batch may hold."""

    rank: int
    group: str
    waiting: dict[str, Waiting] = field(default_factory=dict)
    batchable: int = 0

    def enter(self, waiting: Waiting) -> None:
        """Stand behind everybody who has waited longer."""
        last = next(reversed(self.waiting.values())) if self.waiting else waiting
        self.waiting[waiting.key] = waiting
        self.batchable += waiting.batchable
        if last.since > waiting.since:
            self.waiting = {w.key: w for w in sorted(self.waiting.values(), key=_SINCE)}


class Lanes(Struct):
    """All lanes by name; ``later`` waits for a moment of its own first; ``counts`` are of all that wait, by
    strategy."""

    lanes: dict[str, Lane] = field(default_factory=dict)
    later: dict[str, Waiting] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Lane]:
        """The lanes that are not empty, most urgent first; they may change meanwhile."""
        for name in sorted(self.lanes):
            yield self.lanes[name]

    def __bool__(self) -> bool:
        """Whether anything waits."""
        return bool(self.counts)

    def __len__(self) -> int:
        return sum(self.counts.values())

    def add(self, waiting: Waiting) -> None:
        """Let a request wait; there must be none of its key."""
        self.counts[waiting.strategy] = self.counts.get(waiting.strategy, 0) + 1
        if waiting.not_before > waiting.since:
            self.later[waiting.key] = waiting
        else:
            self._enter(waiting)

    def find(self, key: str) -> Waiting | None:
        """A waiting request by its key."""
        for lane in self.lanes.values():
            if key in lane.waiting:
                return lane.waiting[key]
        return self.later.get(key)

    def remove(self, waiting: Waiting) -> None:
        """Take a request out that waits here."""
        if self.later.pop(waiting.key, None) is not None:
            self._uncount(waiting)
        else:
            self.leave(self.lanes[_name(waiting.rank, waiting.group)], [waiting])

    def leave(self, lane: Lane, chosen: list[Waiting]) -> None:
        """Take requests out of a lane."""
        for waiting in chosen:
            del lane.waiting[waiting.key]
            lane.batchable -= waiting.batchable
            self._uncount(waiting)
        if not lane.waiting:
            del self.lanes[_name(lane.rank, lane.group)]

    def _uncount(self, waiting: Waiting) -> None:
        count = self.counts[waiting.strategy] - 1
        if count:
            self.counts[waiting.strategy] = count
        else:
            del self.counts[waiting.strategy]

    def wake(self, now: int) -> None:
        """Whoever's own moment has come stands in a lane from now on."""
        for waiting in [w for w in self.later.values() if w.not_before <= now]:
            del self.later[waiting.key]
            self._enter(waiting)

    def since_before(self, moment: int) -> list[Waiting]:
        """What may expire and has waited since before ``moment``."""
        found: list[Waiting] = []
        for lane in self:
            if lane.rank > PROTECTIVE:
                for waiting in lane.waiting.values():
                    if waiting.since >= moment:
                        break  # whoever stands behind came later
                    found.append(waiting)
        return found + [w for w in self.later.values() if w.rank > PROTECTIVE and w.since < moment]

    def _enter(self, waiting: Waiting) -> None:
        rank, group = waiting.rank, waiting.group
        name = _name(rank, group)
        lane = self.lanes.get(name)
        if lane is None:
            lane = self.lanes[name] = Lane(rank, group)
        lane.enter(waiting)


def _name(rank: int, group: str) -> str:
    return f"{rank}:{group}"
