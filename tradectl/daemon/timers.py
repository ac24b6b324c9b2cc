"""The engine's timers: on wall time, or on the venue's clock when it is stepped."""

import asyncio
import heapq
from collections.abc import Callable

from tradectl.daemon.clocks import Clock
from tradectl.engine.guards import EQUITY_TIMER, GUARD_TIMER
from tradectl.engine.order_answers import WALL
from tradectl.engine.timers import AUDIT_TIMER
from tradectl.model.events import TimerFired

Fire = Callable[[TimerFired], None]
#: Timers that only look at what stands still between two events: the stepped clock need not stop for them.
LOOKS = frozenset({GUARD_TIMER, EQUITY_TIMER, AUDIT_TIMER})


class WallTimers:
    """Each timer is a call of the event loop."""

    def __init__(self, clock: Clock, fire: Fire) -> None:
        self._clock = clock
        self._fire = fire
        self._handles: dict[str, asyncio.TimerHandle] = {}

    def set(self, name: str, at: int) -> None:
        """Fire at ``at`` (nanoseconds); the same name set again moves it."""
        self.cancel(name)
        delay = max(at - self._clock(0), 0) / 1e9
        self._handles[name] = asyncio.get_running_loop().call_later(delay, self._due, name, at)

    def cancel(self, name: str) -> None:
        """Forget a timer."""
        handle = self._handles.pop(name, None)
        if handle is not None:
            handle.cancel()

    def due_before(self, now: int) -> list[TimerFired]:
        """Nothing: the loop calls."""
        return []

    def next_act(self) -> int:
        """0: the venue's clock runs by itself."""
        return 0

    def stop(self) -> None:
        """Forget all."""
        for name in list(self._handles):
            self.cancel(name)

    def _due(self, name: str, at: int) -> None:
        self._handles.pop(name, None)
        self._fire(TimerFired(max(self._clock(0), at), name, at))


class SteppedTimers:
    """Timers come due as the venue's time passes them, before the event that brought the later time.

    Those that wait for the transport (prefix ``wall:``) run on wall time all the same.
    """

    def __init__(self, clock: Clock, fire: Fire) -> None:
        self._clock = clock
        self._wall = WallTimers(clock, fire)
        self._set: dict[str, int] = {}
        self._acts: dict[str, int] = {}  # those of them on which something may be sent
        self._heap: list[tuple[int, str]] = []

    def set(self, name: str, at: int) -> None:
        """Fire when the venue's clock passes ``at``."""
        if name.startswith(WALL):
            self._wall.set(name, at)
            return
        self._set[name] = at
        if name not in LOOKS:
            self._acts[name] = at
        heapq.heappush(self._heap, (at, name))

    def cancel(self, name: str) -> None:
        """Forget a timer."""
        self._set.pop(name, None)
        self._acts.pop(name, None)
        self._wall.cancel(name)

    def due_before(self, now: int) -> list[TimerFired]:
        """Timers due at or before ``now``, in order; each only once."""
        due: list[TimerFired] = []
        while self._heap and self._heap[0][0] <= now:
            at, name = heapq.heappop(self._heap)
            if self._set.get(name) == at:
                del self._set[name]
                self._acts.pop(name, None)
                due.append(TimerFired(at, name, at))
        return due

    def next_act(self) -> int:
        """When the first timer is due on which something may be sent (0: there is none). The venue's clock may not leap
        past it, or what is spread over seconds here would reach the venue in one instant."""
        return min(self._acts.values(), default=0)

    def stop(self) -> None:
        """Forget all."""
        self._set.clear()
        self._acts.clear()
        self._wall.stop()


Timers = WallTimers | SteppedTimers
