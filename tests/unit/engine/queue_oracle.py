"""The order queue, written the slow obvious way: a list, sorted anew each time, and every request ever sent."""

from dataclasses import dataclass, field

from tradectl.engine.config import QueueLimits
from tradectl.engine.waiting import Waiting
from tradectl.model.events import Action
from tradectl.model.instruments import Category

MS = 1_000_000
RANKS = ("cancel", "protective", "reducing", "amend", "create")


def rank(w: Waiting) -> int:
    if w.action is Action.CANCEL:
        return 0
    if w.protective:
        return 1
    if w.reduces:
        return 2
    return 3 if w.action is Action.AMEND else 4


def single(w: Waiting) -> str:
    family = {Category.SPOT: "spot", Category.OPTION: "option"}.get(w.instrument.category, "derivative")
    return f"{family}_stop" if w.stop is not None else f"{family}_{w.action.value}"


@dataclass
class SlowQueue:
    """Same questions, same answers; ``sent`` keeps (group, time, units) for ever."""

    limits: QueueLimits
    waiting: list[Waiting] = field(default_factory=list)
    sent: list[tuple[str, int]] = field(default_factory=list)
    blocked: dict[str, int] = field(default_factory=dict)
    allowed: dict[str, int] = field(default_factory=dict)

    def add(self, w: Waiting) -> None:
        if w.action is Action.CANCEL:
            self.waiting = [o for o in self.waiting if (o.link_id, o.action) != (w.link_id, Action.AMEND)]
        older = [o for o in self.waiting if (o.link_id, o.action) == (w.link_id, w.action)]
        for o in older:
            self.waiting.remove(o)
            w.since, w.not_before = min(w.since, o.since), max(w.not_before, o.not_before)
            w.protective = w.protective or o.protective
            for name in ("qty", "price", "trigger_price", "take_profit", "stop_loss"):
                setattr(w, name, getattr(o, name) if getattr(w, name) is None else getattr(w, name))
        self.waiting.append(w)

    def expired(self, now: int) -> set[str]:
        gone = {
            f"{w.action.value}:{w.link_id}"
            for w in self.waiting
            if rank(w) > 1 and now - w.since > self.limits.max_wait_ms * MS
        }
        self.waiting = [w for w in self.waiting if f"{w.action.value}:{w.link_id}" not in gone]
        return gone

    def allowance(self, group: str) -> int:
        configured: int = getattr(self.limits, group)
        return min(configured, self.allowed.get(group, configured))

    def room(self, group: str, now: int, spare: int = 0) -> int:
        if now < self.blocked.get(group, 0):
            return 0
        used = sum(g == group and t > now - self.limits.window_ms * MS for g, t in self.sent)
        return max(max(self.allowance(group) - spare, 1) - used, 0)

    def release(self, now: int, cancels_only: bool) -> list[tuple[int, str, str, bool]]:
        """(rank, group, key, in a batch) of what leaves."""
        out: list[tuple[int, str, str, bool]] = []
        for level in range(5):
            if cancels_only and level:
                break
            for group in sorted({single(w) for w in self.waiting if rank(w) == level}):
                due = [w for w in self.waiting if rank(w) == level and single(w) == group and w.not_before <= now]
                due.sort(key=lambda w: w.since)
                spare = self.limits.reserve if level == 4 else 0
                alone = due[: self.room(group, now, spare)]
                rest = [w for w in due[len(alone) :] if w.batchable and w.stop is None] if self.limits.batch else []
                batched = rest[: self.room(f"{group}_batch", now)] if rest else []
                for w, batch in [(w, False) for w in alone] + [(w, True) for w in batched]:
                    self.sent.append((f"{group}_batch" if batch else group, now))
                    self.waiting.remove(w)
                    out.append((level, group, f"{w.action.value}:{w.link_id}", batch))
        return out
