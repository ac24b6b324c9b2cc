"""The order queue: what risk accepted waits here for its rate budget, most urgent first (decision 8).

Cancels; protective stops; what reduces; amendments of entries; creates of entries. Within a rank, first come first
served. What a single budget cannot take leaves in batch requests, which have budgets of their own (bybit-v5 3.1).
"""

from collections.abc import Iterable, Iterator
from itertools import islice

from msgspec import Struct, field

from tradectl.engine.batching import BATCH_SIZE, numbered
from tradectl.engine.config import QueueLimits
from tradectl.engine.lanes import Lane, Lanes
from tradectl.engine.rate_windows import BATCH, RateWindows, WindowState, family_of, group_of
from tradectl.engine.waiting import CANCELS, CREATES, PROTECTIVE, Waiting, key_of
from tradectl.model.events import Action
from tradectl.model.instruments import Category

__all__ = ["OrderQueue", "QueueState", "Waiting", "group_of"]

_MS = 1_000_000


class QueueState(Struct):
    """Everything the queue remembers; ``batches`` numbers the batch requests of the run."""

    lanes: Lanes = field(default_factory=Lanes)
    windows: WindowState = field(default_factory=WindowState)
    batches: int = 0


class OrderQueue:
    """Budgets of one rolling window per group; deterministic: it is told the time.

    ``batched``: the categories whose orders the venue takes in batches.
    """

    def __init__(self, limits: QueueLimits, batched: Iterable[Category] = tuple(Category)) -> None:
        self._limits = limits
        self._batched = tuple(batched) if limits.batch else ()
        self._windows = RateWindows(limits)
        self._max_wait = limits.max_wait_ms * _MS
        self.restore(QueueState())

    def restore(self, state: QueueState) -> None:
        """Continue with what a queue remembered."""
        self._state = state
        self._lanes = state.lanes
        self._windows.state = state.windows
        #: Whether anything waits, for those who ask at every event.
        self.waits = bool(self._lanes.counts)
        #: The one request that waits, if there is only one: most leave in the step they came in, and need no lane.
        self._lone: Waiting | None = None

    @property
    def state(self) -> QueueState:
        """What is remembered."""
        self._settle()
        return self._state

    def _settle(self) -> None:
        """The lone request stands in its lane from now on."""
        if self._lone is not None:
            lone, self._lone = self._lone, None
            self._lanes.add(lone)

    # --- what waits

    def __len__(self) -> int:
        self._settle()
        return len(self._lanes)

    def __bool__(self) -> bool:
        """Whether anything waits."""
        return self.waits

    def __iter__(self) -> Iterator[Waiting]:
        """Everything that waits, most urgent first."""
        self._settle()
        for lane in self._lanes:
            yield from lane.waiting.values()
        yield from self._lanes.later.values()

    def waiting_of(self, strategy: str) -> int:
        """How many requests of a strategy wait."""
        self._settle()
        return self._lanes.counts.get(strategy, 0)

    def room(self, strategy: str) -> int:
        """How many more requests of a strategy may wait before what opens is refused."""
        self._settle()
        limits, counts = self._limits, self._lanes.counts
        if not counts:  # the usual case
            return min(limits.max_waiting_per_strategy, limits.max_waiting)
        own = limits.max_waiting_per_strategy - counts.get(strategy, 0)
        return max(min(own, limits.max_waiting - len(self)), 0)

    def pressure(self, strategy: str) -> float:
        """How full the queue is for a strategy: 0.0 nothing waits, 1.0 what opens is refused."""
        own = self.waiting_of(strategy) / self._limits.max_waiting_per_strategy
        return min(max(own, len(self) / self._limits.max_waiting), 1.0)

    def holds(self, link_id: str, action: Action) -> bool:
        """Whether a request waits here."""
        self._settle()
        return self._lanes.find(key_of(link_id, action)) is not None

    # --- in and out

    def add(self, waiting: Waiting) -> None:
        """Queue a request. A cancel removes a waiting amendment of its order; a newer amendment takes the place of the
        waiting one and completes it."""
        if waiting.action is Action.CANCEL:
            self.drop(waiting.link_id, Action.AMEND)
        self.waits = True
        if waiting.stop is not None or waiting.instrument.category not in self._batched:
            waiting.batchable = False
        if self._lone is None and not self._lanes.counts and waiting.not_before <= waiting.since:
            self._lone = waiting
            return
        self._settle()
        older = self._lanes.find(waiting.key)
        if older is not None:
            self._lanes.remove(older)
            waiting.complete(older)
        self._lanes.add(waiting)

    def drop(self, link_id: str, action: Action) -> bool:
        """Forget a waiting request; whether there was one."""
        if not self:
            return False
        self._settle()
        found = self._lanes.find(key_of(link_id, action))
        if found is not None:
            self._lanes.remove(found)
            self.waits = bool(self._lanes.counts)
        return found is not None

    def expired(self, now: int) -> list[Waiting]:
        """Creates and amendments that waited too long; they leave the queue. Cancels and protective stops never do."""
        if self._lone is not None and self._lone.since >= now - self._max_wait:
            return []
        self._settle()
        stale = self._lanes.since_before(now - self._max_wait)
        for waiting in stale:
            self._lanes.remove(waiting)
        self.waits = bool(self._lanes.counts)
        return stale

    def release(self, now: int, cancels_only: bool = False) -> list[Waiting]:
        """What may be sent now, in order."""
        lone = self.leave_alone(now, cancels_only)
        if lone is not None:
            return [lone]
        self._settle()
        if self._lanes.later:
            self._lanes.wake(now)
        released: list[Waiting] = []
        for lane in self._lanes:
            if cancels_only and lane.rank != CANCELS:
                break
            chosen = self._singles(lane, now)
            if len(chosen) < len(lane.waiting):
                chosen += self._batches(lane, len(chosen), now)
            if chosen:
                self._lanes.leave(lane, chosen)
                released += chosen
        self.waits = bool(self._lanes.counts)
        return released

    def leave_alone(self, now: int, cancels_only: bool) -> Waiting | None:
        """The only request that waits, if it did not wait too long and there is room for it as a single one."""
        lone = self._lone
        if lone is None or lone.since < now - self._max_wait:
            return None
        rank = lone.rank
        if (cancels_only and rank != CANCELS) or not self._windows.take_one(lone.group, now, self._spare(rank)):
            return None
        self._lone, self.waits = None, False
        return lone

    def give_back(self, waiting: Waiting) -> None:
        """A released request was not sent after all: its budget is free again."""
        if not waiting.batch:
            self._windows.give_back(waiting.group)
        elif family_of(waiting.instrument.category) != "option":  # the others of its batch still cost that one unit
            self._windows.give_back(waiting.group + BATCH)

    def next_at(self, now: int, cancels_only: bool = False) -> int | None:
        """When something may be sent or expires, ``None`` when nothing will happen by itself."""
        if not self:
            return None
        self._settle()
        moments = [m for lane in self._lanes for m in self._moments(lane, now, cancels_only)]
        for waiting in self._lanes.later.values():
            alone = Lane(waiting.rank, waiting.group, {waiting.key: waiting}, int(waiting.batchable))
            moments += self._moments(alone, max(now, waiting.not_before - 1), cancels_only)
        return min(moments, default=None)

    # --- what the venue says

    def block(self, group: str, until: int) -> None:
        """The venue says the window is full until then."""
        self._windows.block(group, until)

    def allow(self, group: str, limit: int) -> None:
        """The venue's own allowance of a group; only a lower one than configured counts."""
        self._windows.allow(group, limit)

    # --- inside

    def _spare(self, rank: int) -> int:
        return self._limits.reserve if rank == CREATES else 0

    def _singles(self, lane: Lane, now: int) -> list[Waiting]:
        chosen = list(islice(lane.waiting.values(), self._windows.room(lane.group, now, self._spare(lane.rank))))
        if chosen:
            self._windows.take(lane.group, now, len(chosen))
        return chosen

    def _batches(self, lane: Lane, skip: int, now: int) -> list[Waiting]:
        """What does not fit into the single budget; of options a whole request costs one unit."""
        group = lane.group + BATCH
        room = self._windows.room(group, now) if lane.batchable else 0
        if not room:
            return []
        option = group.startswith("option")
        able = (w for w in islice(lane.waiting.values(), skip, None) if w.batchable)
        before = self._state.batches
        chosen, self._state.batches = numbered(list(islice(able, room * BATCH_SIZE if option else room)), before)
        self._windows.take(group, now, self._state.batches - before if option else len(chosen))
        return chosen

    def _moments(self, lane: Lane, now: int, cancels_only: bool) -> list[int]:
        """When the first of a lane expires, and when it may be sent."""
        first = next(iter(lane.waiting.values()))
        found = [first.since + self._max_wait + 1] if lane.rank > PROTECTIVE else []
        if lane.rank == CANCELS or not cancels_only:
            free = self._windows.free_at(lane.group, now, self._spare(lane.rank))
            if lane.batchable:
                free = min(free, self._windows.free_at(lane.group + BATCH, now))
            found.append(max(free, now + 1))
        return found
