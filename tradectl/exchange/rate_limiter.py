"""The budget of reads: a rolling window per endpoint group and one for the whole address. Orders never pass here."""

from collections import deque

from msgspec import Struct


class Window(Struct, frozen=True):
    """At most ``count`` requests in any ``seconds``."""

    count: int
    seconds: float


class RateLimiter:
    """Says how long a request must wait. Time is passed in, in seconds of any monotonic clock."""

    def __init__(self, groups: dict[str, Window], default: Window, overall: Window) -> None:
        self._groups = groups
        self._default = default
        self._overall = overall
        self._sent: dict[str, deque[float]] = {}
        self._quiet_until = 0.0

    def reserve(self, group: str, now: float) -> float:
        """Seconds until one more request of ``group`` may leave; it is counted as leaving then."""
        window = self._groups.get(group, self._default)
        start = max(now, self._quiet_until, self._free("", self._overall, now), self._free(group, window, now))
        self._sent[""].append(start)
        self._sent[group].append(start)
        return start - now

    def _free(self, group: str, window: Window, now: float) -> float:
        """When ``group`` has room again."""
        sent = self._sent.setdefault(group, deque(maxlen=window.count))
        return sent[0] + window.seconds if len(sent) == window.count else now

    def be_quiet(self, until: float) -> None:
        """Send nothing before ``until``: the venue banned this address (HTTP 403, bybit-v5 3.1)."""
        self._quiet_until = max(self._quiet_until, until)

    def quiet_for(self, now: float) -> float:
        """Seconds of silence still to keep."""
        return max(0.0, self._quiet_until - now)
