"""The distance between our clock and the venue's, and timestamps the venue will accept."""

from collections.abc import Callable
from statistics import median

from msgspec import Struct

from tradectl.exchange.bybit.rest import Rest
from tradectl.exchange.bybit.wire import ServerTime

NS = 1_000_000_000
#: A timestamp one second ahead of the venue is refused whatever the window (bybit-v5 2.1).
FUTURE_LIMIT = 1.0


class ClockReading(Struct, frozen=True):
    """``offset``: ours minus theirs; ``uncertainty``: half the best round trip; both in nanoseconds."""

    offset: int
    uncertainty: int


class VenueClock:
    """Our wall clock corrected by the measured offset. It is the venue's *transport* clock, never market time."""

    def __init__(self, wall: Callable[[], int]) -> None:
        self._wall = wall
        self.offset = 0

    def now(self) -> int:
        """The venue's clock in nanoseconds, as well as we know it."""
        return self._wall() - self.offset

    def now_ms(self) -> int:
        """The same in milliseconds, for timestamps of requests."""
        return (self._wall() - self.offset) // 1_000_000

    async def measure(self, rest: Rest, samples: int) -> ClockReading:
        """Ask the venue ``samples`` times and keep the median offset. Raises ``ReadFailed``."""
        offsets, trips = [], []
        for _ in range(samples):
            before = self._wall()
            server = await rest.read("get_server_time", ServerTime)
            after = self._wall()
            offsets.append((before + after) // 2 - int(server.timeNano))
            trips.append(after - before)
        self.offset = int(median(offsets))
        return ClockReading(self.offset, min(trips) // 2)


def is_acceptable(reading: ClockReading, limit: float) -> bool:
    """Whether orders will be accepted: our clock is within ``limit`` seconds and the correction is sharp enough."""
    return abs(reading.offset) <= limit * NS and reading.uncertainty < FUTURE_LIMIT * NS / 2
