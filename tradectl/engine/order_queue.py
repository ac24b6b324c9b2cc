"""The order queue: what risk accepted waits here for its rate budget, cancels and reductions first (decision 8)."""

from decimal import Decimal

from msgspec import Struct, field

from tradectl.engine.config import QueueLimits
from tradectl.model.events import Action
from tradectl.model.instruments import Category, InstrumentId

_MS = 1_000_000


class Waiting(Struct):
    """One request that waits: a create or cancel of ``link_id``, or an amendment of it."""

    action: Action
    link_id: str
    instrument: InstrumentId
    reduces: bool
    since: int
    not_before: int = 0
    cause: int = 0
    qty: Decimal | None = None
    price: Decimal | None = None


class QueueState(Struct):
    """Everything the queue remembers."""

    waiting: list[Waiting] = field(default_factory=list)
    sent: dict[str, list[int]] = field(default_factory=dict)
    blocked: dict[str, int] = field(default_factory=dict)
    allowed: dict[str, int] = field(default_factory=dict)


def group_of(instrument: InstrumentId, action: Action) -> str:
    """The budget a request counts against: ``derivative:create`` and so on."""
    family = "spot" if instrument.category is Category.SPOT else "derivative"
    return f"{family}:{action.value}"


class OrderQueue:
    """Budgets of one rolling window per group; deterministic: it is told the time."""

    def __init__(self, limits: QueueLimits) -> None:
        self._limits = limits
        self._window = limits.window_ms * _MS
        self.state = QueueState()

    def add(self, waiting: Waiting) -> None:
        """Queue a request. A cancel removes a waiting amendment of its order; a newer amendment completes it."""
        if waiting.action is not Action.CREATE:
            for older in self.state.waiting:
                if older.action is Action.AMEND is waiting.action and older.link_id == waiting.link_id:
                    waiting.qty = waiting.qty if waiting.qty is not None else older.qty
                    waiting.price = waiting.price if waiting.price is not None else older.price
            self.drop(waiting.link_id, Action.AMEND)
        self.state.waiting.append(waiting)

    def holds(self, link_id: str, action: Action) -> bool:
        """Whether a request waits here."""
        return any(w.link_id == link_id and w.action is action for w in self.state.waiting)

    def drop(self, link_id: str, action: Action) -> bool:
        """Forget a waiting request; whether there was one."""
        kept = [w for w in self.state.waiting if w.link_id != link_id or w.action is not action]
        dropped = len(kept) < len(self.state.waiting)
        self.state.waiting = kept
        return dropped

    def expired(self, now: int) -> list[Waiting]:
        """Creates and amendments that waited too long; they leave the queue. Cancels never expire."""
        limit = self._limits.max_wait_ms * _MS
        stale = [w for w in self.state.waiting if w.action is not Action.CANCEL and now - w.since > limit]
        for waiting in stale:
            self.state.waiting.remove(waiting)
        return stale

    def release(self, now: int, cancels_only: bool = False) -> list[Waiting]:
        """What may be sent now, in order: cancels, reductions, the rest."""
        released: list[Waiting] = []
        for waiting in sorted(self.state.waiting, key=_priority):
            if cancels_only and waiting.action is not Action.CANCEL:
                continue
            if waiting.not_before <= now and self._take(waiting, now):
                released.append(waiting)
        if released:
            gone = {id(w) for w in released}
            self.state.waiting = [w for w in self.state.waiting if id(w) not in gone]
        return released

    def next_at(self, now: int, cancels_only: bool = False) -> int | None:
        """When something may be sent or expires, ``None`` when nothing waits."""
        return min((self._wakes_at(w, now, cancels_only) for w in self.state.waiting), default=None)

    def _wakes_at(self, waiting: Waiting, now: int, cancels_only: bool) -> int:
        if waiting.action is Action.CANCEL:
            return max(self._free_at(waiting, now), waiting.not_before, now + 1)
        expires = waiting.since + self._limits.max_wait_ms * _MS + 1
        return expires if cancels_only else min(expires, max(self._free_at(waiting, now), waiting.not_before, now + 1))

    def block(self, group: str, until: int) -> None:
        """The venue says the window is full until then."""
        self.state.blocked[group] = max(self.state.blocked.get(group, 0), until)

    def allow(self, group: str, limit: int) -> None:
        """The venue's own allowance of a group; only a lower one than configured counts."""
        self.state.allowed[group] = limit

    def _allowance(self, group: str) -> int:
        configured: int = getattr(self._limits, group.replace(":", "_"))
        return min(configured, self.state.allowed.get(group, configured))

    def _take(self, waiting: Waiting, now: int) -> bool:
        if self._free_at(waiting, now) > now:
            return False
        self.state.sent.setdefault(group_of(waiting.instrument, waiting.action), []).append(now)
        return True

    def _free_at(self, waiting: Waiting, now: int) -> int:
        group = group_of(waiting.instrument, waiting.action)
        sent = [t for t in self.state.sent.get(group, ()) if t > now - self._window]
        self.state.sent[group] = sent
        spare = self._limits.reserve if waiting.action is Action.CREATE and not waiting.reduces else 0
        allowance = max(self._allowance(group) - spare, 1)
        free = now if len(sent) < allowance else sent[len(sent) - allowance] + self._window
        return max(free, self.state.blocked.get(group, 0))


def _priority(waiting: Waiting) -> int:
    if waiting.action is Action.CANCEL:
        return 0
    return 1 if waiting.reduces else 2
