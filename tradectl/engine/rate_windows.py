"""Rate windows: how many requests of each kind may still leave in the venue's rolling second (bybit-v5 3.1).

A *group* is one limit of the venue: ``derivative:create``, ``spot:cancel``, ``derivative:create_batch`` and so on.
"""

from functools import lru_cache

from msgspec import Struct, field

from tradectl.engine.config import QueueLimits
from tradectl.model.events import Action
from tradectl.model.instruments import Category, InstrumentId

_MS = 1_000_000
BATCH = "_batch"
_SPOT, _OPTION = Category.SPOT, Category.OPTION
#: Times that fell out of a window are cleared away once there are so many of them.
_STALE = 64


def family_of(category: Category) -> str:
    """The product family whose members share the venue's limits: ``derivative`` (linear, inverse), ``option``,
    ``spot``."""
    if category is _SPOT:
        return "spot"
    return "option" if category is _OPTION else "derivative"


def group_of(instrument: InstrumentId, action: Action) -> str:
    """The limit a single request counts against: ``derivative:create`` and so on."""
    return _group(instrument.category, action)


@lru_cache(maxsize=64)
def _group(category: Category, action: Action) -> str:
    return family_of(category) + ":" + action


def group_named(reported: str) -> str:
    """The group of a limit as the connector names it: ``linear:create-batch`` is ``derivative:create_batch``."""
    category, _, action = reported.partition(":")
    family = category if category in ("spot", "option") else "derivative"
    return f"{family}:{action.replace('-', '_')}"


class Window(Struct):
    """When the requests of one group left, oldest first; those before ``head`` no longer count."""

    times: list[int] = field(default_factory=list)
    head: int = 0

    def forget(self, until: int) -> None:
        """Requests up to and including ``until`` have left the window."""
        times, head = self.times, self.head
        while head < len(times) and times[head] <= until:
            head += 1
        if head > _STALE and head * 2 > len(times):
            del times[:head]
            head = 0
        self.head = head

    @property
    def count(self) -> int:
        return len(self.times) - self.head


class WindowState(Struct):
    """What was sent when, until when the venue refuses, and allowances lower than configured, by group."""

    sent: dict[str, Window] = field(default_factory=dict)
    blocked: dict[str, int] = field(default_factory=dict)
    allowed: dict[str, int] = field(default_factory=dict)


class RateWindows:
    """One rolling window per group. Times in nanoseconds, never decreasing."""

    def __init__(self, limits: QueueLimits) -> None:
        self._limits = limits
        self._configured: dict[str, int] = {}
        self._length = limits.window_ms * _MS
        self.state = WindowState()

    def room(self, group: str, now: int, spare: int = 0) -> int:
        """How many requests may leave now, ``spare`` units left untouched."""
        if self.state.blocked.get(group, 0) > now:
            return 0
        return max(self._allowance(group, spare) - self._window(group, now).count, 0)

    def free_at(self, group: str, now: int, spare: int = 0) -> int:
        """When the next request may leave."""
        window = self._window(group, now)
        over = window.count - self._allowance(group, spare)
        free = now if over < 0 else window.times[window.head + over] + self._length
        return max(free, self.state.blocked.get(group, 0))

    def take(self, group: str, now: int, units: int = 1) -> None:
        """Requests leave now."""
        self._window(group, now).times.extend([now] * units)

    def take_one(self, group: str, now: int, spare: int) -> bool:
        """One request leaves now, if there is room; whether it does."""
        state = self.state
        if state.blocked and state.blocked.get(group, 0) > now:
            return False
        window = state.sent.get(group)
        if window is None:
            window = state.sent[group] = Window()
        window.forget(now - self._length)
        if len(window.times) - window.head >= self._allowance(group, spare):
            return False
        window.times.append(now)
        return True

    def give_back(self, group: str) -> None:
        """The last request taken did not leave after all."""
        self.state.sent[group].times.pop()

    def block(self, group: str, until: int) -> None:
        """The venue says the group is full until then; whether that was its single or its batch form is not told."""
        single = group.removesuffix(BATCH)
        for name in (single, single + BATCH):
            self.state.blocked[name] = max(self.state.blocked.get(name, 0), until)

    def allow(self, group: str, limit: int) -> None:
        """The venue's own allowance of a group; only a lower one than configured counts."""
        if hasattr(self._limits, group.replace(":", "_")):
            self.state.allowed[group] = limit

    def _allowance(self, group: str, spare: int) -> int:
        configured = self._configured.get(group)
        if configured is None:
            configured = self._configured[group] = int(getattr(self._limits, group.replace(":", "_")))
        return max(min(configured, self.state.allowed.get(group, configured)) - spare, 1)

    def _window(self, group: str, now: int) -> Window:
        window = self.state.sent.get(group)
        if window is None:
            window = self.state.sent[group] = Window()
        window.forget(now - self._length)
        return window
