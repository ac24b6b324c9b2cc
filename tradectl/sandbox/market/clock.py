"""The venue's clock at a speed: venue time runs from where it was anchored, ``speed`` times as fast as the wall."""

from collections.abc import Callable

#: Behind by more wall time than this (a suspended machine), venue time continues instead of racing to catch up.
MOST_BEHIND = 120_000_000_000


class VenueClock:
    """Stepped (``speed`` ``None``) it stands at its anchor. Times in nanoseconds."""

    def __init__(self, speed: float | None, wall: Callable[[], int], venue_time: int) -> None:
        self._speed = speed
        self._wall = wall
        self.anchor(venue_time)

    def anchor(self, venue_time: int) -> None:
        """Let venue time be ``venue_time`` now."""
        self._venue_anchor = venue_time
        self._wall_anchor = self._wall()

    def now(self) -> int:
        """Venue time."""
        if self._speed is None:
            return self._venue_anchor
        return self._venue_anchor + int((self._wall() - self._wall_anchor) * self._speed)

    def seconds_until(self, venue_time: int) -> float:
        """Wall seconds until ``venue_time`` (0 when it has passed); far behind, the clock is anchored there anew."""
        assert self._speed is not None
        wait = (venue_time - self.now()) / self._speed
        if wait < -MOST_BEHIND:
            self.anchor(venue_time)
        return max(0.0, wait / 1e9)
