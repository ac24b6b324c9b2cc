"""Twenty strategies that want more than the venue allows, and an in-memory venue that counts like the real one.

The venue keeps its own windows of exactly one second (bybit-v5 3.1) and answers 10006 beyond them; what it admitted
when is remembered, and whenever something waited in the queue, so that the use of the permitted rate can be measured.
"""

import heapq
import random
from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from msgspec.structs import replace

from tests.sandbox.flooder import Flooder
from tests.unit.engine.harness import BTC, ETH, INSTRUMENTS, SECOND, SPOT, T0, WIDE, Bench, config
from tests.unit.engine.venue import FakeVenue, action_of, link_of
from tradectl.engine.config import QueueLimits, StrategyConfig
from tradectl.engine.order_queue import OrderQueue, Waiting
from tradectl.model.commands import CancelOrder, Command, DecisionMade, Reconcile, RiskApproved
from tradectl.model.events import Event, OrderAnswered, Reaction, TimerFired
from tradectl.model.instruments import Category
from tradectl.model.orders import OrderType

#: What Bybit publishes (VIP 0), written down here a second time: the venue must not ask the engine for its limits.
PUBLISHED = {
    ("derivative", "create"): 10, ("derivative", "amend"): 10, ("derivative", "cancel"): 10,
    ("derivative", "create_batch"): 10, ("derivative", "amend_batch"): 10, ("derivative", "cancel_batch"): 10,
    ("spot", "create"): 20, ("spot", "amend"): 10, ("spot", "cancel"): 20,
    ("spot", "create_batch"): 20, ("spot", "amend_batch"): 20, ("spot", "cancel_batch"): 20,
}  # fmt: skip
#: From the socket to the venue, and back.
LATENCY = 3_000_000
PRICE = Decimal(100)
Group = tuple[str, str]


@dataclass
class LimitedVenue:
    """The venue behind its rate limits. ``admitted`` and ``refused`` are by group; a batch goes in as one request."""

    truth: FakeVenue
    admitted: dict[Group, list[int]] = field(default_factory=dict)
    refused: dict[Group, int] = field(default_factory=dict)
    creates: list[str] = field(default_factory=list)
    _windows: dict[Group, deque[int]] = field(default_factory=dict)

    def admits(self, command: RiskApproved | CancelOrder, now: int) -> bool:
        group = group_of(command)
        window = self._windows.setdefault(group, deque())
        while window and window[0] <= now - SECOND:
            window.popleft()
        if len(window) >= PUBLISHED[group]:
            self.refused[group] = self.refused.get(group, 0) + 1
            return False
        window.append(now)
        self.admitted.setdefault(group, []).append(now)
        return True

    def answer(self, command: RiskApproved | CancelOrder, now: int) -> list[Event]:
        """What comes back: the answer and the messages; a market order is filled at once."""
        self.truth.now = max(self.truth.now, now)
        if not self.admits(command, now):
            return [
                OrderAnswered(now, link_of(command), action_of(command), 10006, "", Reaction.RETRY, "", now + SECOND)
            ]
        answered = self.truth.receive(command)
        if isinstance(command, RiskApproved) and command.order is not None:
            self.creates.append(command.order.link_id)
            placed = self.truth.find(command.order.link_id)
            if placed is not None and placed.is_open and placed.type is OrderType.MARKET:
                self.truth.fill(placed, placed.qty, PRICE)
        said, self.truth.said = self.truth.said, []
        return [answered, *said]


def instrument_of(command: RiskApproved | CancelOrder) -> Category:
    if isinstance(command, CancelOrder):
        return command.instrument.category
    told = command.order or command.amendment
    assert told is not None
    return told.instrument.category


def group_of(command: RiskApproved | CancelOrder) -> Group:
    family = "spot" if instrument_of(command) is Category.SPOT else "derivative"
    return family, action_of(command).value + ("_batch" if command.batch else "")


@dataclass
class Watched:
    """What the queue was seen doing: when each group had something waiting, and any breach of the order of things."""

    waits: dict[Group, list[tuple[int, bool]]] = field(default_factory=dict)
    breaches: list[str] = field(default_factory=list)
    released: int = 0

    def watch(self, queue: OrderQueue) -> None:
        """Look over the queue's shoulder at every release."""
        real = queue.release

        def release(now: int, cancels_only: bool = False) -> list[Waiting]:
            out = real(now, cancels_only)
            self._judge(out, list(queue), now)
            return out

        queue.release = release  # type: ignore[method-assign]

    def _judge(self, out: list[Waiting], left: list[Waiting], now: int) -> None:
        self.released += len(out)
        ranks = [w.rank for w in out]
        if ranks != sorted(ranks):
            self.breaches.append(f"{now}: released out of order: {ranks}")
        for w in left:
            over = [o for o in out if o.group == w.group and o.rank > w.rank and w.not_before <= now]
            if over:
                self.breaches.append(f"{now}: {w.key} still waits while {over[0].key} left")

    def note(self, queue: OrderQueue, now: int) -> None:
        """After a step: which groups have something waiting now."""
        busy = {(g.partition(":")[0], g.partition(":")[2]) for g in (w.group for w in queue)}
        for group in {g for g in PUBLISHED if not g[1].endswith("_batch")}:
            line = self.waits.setdefault(group, [])
            if not line or line[-1][1] is not (group in busy):
                line.append((now, group in busy))

    def busy_spans(self, group: Group, end: int) -> list[tuple[int, int]]:
        """When something of a group waited without a break."""
        line = [*self.waits.get(group, []), (end, False)]
        return [(a, b) for (a, waits), (b, _) in pairwise(line) if waits]


def most_in(begin: int, end: int, before: list[int], limit: int) -> int:
    """How many requests a window of exactly one second admits from ``begin`` to ``end`` after those ``before``."""
    window = deque(before[-limit:], maxlen=limit)
    count = 0
    while (at := max(begin, window[0] + SECOND) if len(window) == limit else begin) < end:
        window.append(at)
        count += 1
    return count


class Flood:
    """One run: 20 strategies, the engine, the limited venue; deterministic."""

    def __init__(self, intents: int, limits: QueueLimits | None = None, seed: int = 0) -> None:
        each = intents // 20
        strategies = tuple(
            StrategyConfig(
                name=f"flood{n:02}", class_="flooder", category="spot" if n % 4 == 3 else "linear",
                params={"symbol": "ETHUSDT" if n % 4 == 1 else "BTCUSDT", "seed": n + seed, "intents": each},
            )
            for n in range(20)
        )  # fmt: skip
        self.bench = Bench(config(*strategies, risk=WIDE, queue=limits or QueueLimits()), {"flooder": Flooder})
        money = {"USDT": Fraction(100_000_000), "BTC": Fraction(1000)}
        self.venue = LimitedVenue(FakeVenue({i.id: i for i in INSTRUMENTS}, money, T0))
        self.watched = Watched()
        self.watched.watch(self.bench.engine.world.queue)
        self.step_faults: list[str] = []
        self._heap: list[tuple[int, int, Event | RiskApproved | CancelOrder]] = []
        self._serial = 0
        self._random = random.Random(seed)

    def run(self, longest_s: int) -> None:
        """Until everybody asked for all it wants and nothing waits, or ``longest_s`` seconds of the venue passed."""
        bench = self.bench
        self._carry(bench.start())
        for id_ in (BTC, ETH, SPOT):
            self._carry(bench.quote(id_, 100.0, 0.1))
        self._carry(bench.feed(self.venue.truth.reconciled(0)))
        for id_ in (BTC, ETH, SPOT):
            self._carry(bench.quote(id_, 100.0, 0.1))
        end = bench.now + longest_s * SECOND
        while bench.now < end and not self._done():
            self._next()
        self.ended = bench.now

    def _done(self) -> bool:
        runners = self.bench.engine.host.runners.values()
        asked = all(r.strategy.asked >= r.params["intents"] for r in runners)  # type: ignore[attr-defined]
        return asked and not len(self.bench.engine.world.queue) and not self._heap

    def _next(self) -> None:
        """The next thing that happens: a timer, or what is on the way."""
        timers = self.bench.timers
        name = min(timers, key=lambda n: (timers[n], n))
        if self._heap and self._heap[0][0] <= timers[name]:
            at, _, what = heapq.heappop(self._heap)
            self.bench.now = max(self.bench.now, at)
            if isinstance(what, RiskApproved | CancelOrder):
                for event in self.venue.answer(what, at):
                    self._send(at + LATENCY, event)
                return
            out = self.bench.feed(replace(what, received=self.bench.now))
        else:
            due = timers.pop(name)
            out = self.bench.feed(TimerFired(max(due, self.bench.now), name, due))
        self._carry(out)

    def _send(self, at: int, what: Event | RiskApproved | CancelOrder) -> None:
        self._serial += 1
        heapq.heappush(self._heap, (at, self._serial, what))

    def _carry(self, out: list[Command] | tuple[Command, ...]) -> None:
        now, created = self.bench.now, 0
        jitter = self._random.randrange(20_000_000)  # up to 20 ms, the same for all that leaves together
        for command in out:
            if isinstance(command, RiskApproved | CancelOrder):
                self._send(now + LATENCY + jitter, command)
                created += isinstance(command, RiskApproved) and command.order is not None
                if isinstance(command, CancelOrder) and created > 1:
                    self.step_faults.append(f"{now}: the cancel of {command.link_id} stands behind {created} creates")
            elif isinstance(command, Reconcile):
                self._send(now + LATENCY, self.venue.truth.reconciled(command.since))
        self.watched.note(self.bench.engine.world.queue, now)

    # --- figures

    def intents(self) -> int:
        """What the strategies asked for: each has a decision, but for cancels, which need none."""
        return sum(r.strategy.asked for r in self.bench.engine.host.runners.values())  # type: ignore[attr-defined]

    def use(self, family: str, action: str, least_s: int = 3) -> tuple[float, int]:
        """What left while something of it waited, as a share of what the venue would have admitted then, and how many
        seconds these were; spans of at least ``least_s`` seconds count. The reserve is not permitted to entries."""
        spans = [s for s in self.watched.busy_spans((family, action), self.ended) if s[1] - s[0] >= least_s * SECOND]
        used = permitted = 0
        for form in (action, f"{action}_batch"):
            limit = PUBLISHED[(family, form)] - (self.bench.config.queue.reserve if form == "create" else 0)
            left = [t - LATENCY for t in self.venue.admitted.get((family, form), [])]
            for begin, end in spans:
                # A span begins with the release that left the rest waiting, and ends before the one that took the rest.
                used += sum(begin <= t < end for t in left)
                permitted += most_in(begin, end, [t for t in left if t < begin], limit)
        return (used / permitted if permitted else 0.0), round(sum(b - a for a, b in spans) / SECOND)

    def refusals(self) -> list[DecisionMade]:
        return [d for d in self.bench.said(DecisionMade) if not d.accepted]
