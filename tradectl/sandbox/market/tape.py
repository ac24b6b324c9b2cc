"""A market as a sequence of moments: what every source offers, and the tape that plays candles."""

from collections.abc import Callable
from typing import Protocol

import msgspec
from msgspec import Struct

from tradectl.model.instruments import Instrument
from tradectl.sandbox.market.bar_moments import CORNERS, bar_moments
from tradectl.sandbox.market.records import Bar, Moment

#: More micro-steps than this per candle are of no use to anybody.
MOST_PARTS = 3600
#: Wall time between two micro-steps of a candle played at a speed.
PART_NS = 250_000_000


def parts_per_bar(interval: int, speed: float | None) -> int:
    """How many micro-steps play one candle: its corners when stepped, about four a second of wall time at a speed."""
    if speed is None:
        return CORNERS
    return min(max(int(interval / speed) // PART_NS, CORNERS), MOST_PARTS)


class Tape(Protocol):
    """A source of moments in time order. ``save`` names the place after the last moment taken."""

    def due(self) -> int | None:
        """Venue time of the next moment, ``None`` at the end."""

    def take(self) -> Moment:
        """The next moment. Only call when :meth:`due` is not ``None``."""

    def save(self) -> bytes:
        """The place on the tape, also in the middle of a candle."""

    def resume(self, place: bytes) -> list[Moment]:
        """Go to a saved place; returns the moments since the last close, which were taken already."""


class BarSource(Protocol):
    """Candles of all instruments, one open time after the other."""

    def next_bars(self) -> tuple[Bar, ...] | None:
        """The next candles, which share their open time; ``None`` at the end."""

    def save(self) -> bytes:
        """The position between two calls of :meth:`next_bars`."""

    def restore(self, position: bytes) -> None:
        """Continue where :meth:`save` was called."""


class _Place(Struct, array_like=True):
    source: bytes  # before the current candle
    taken: int
    parts: int


class CandleTape:
    """Plays the candles of ``source`` in ``parts`` micro-steps each and a closing one."""

    def __init__(
        self, source: BarSource, instrument_of: Callable[[Bar], Instrument], interval: int, parts: int
    ) -> None:
        self._source = source
        self._instrument_of = instrument_of
        self._interval = interval
        self._parts = self._parts_now = parts
        self._before = source.save()
        self._moments: list[Moment] = []
        self._taken = 0
        self._load()

    def due(self) -> int | None:
        return self._moments[self._taken].at if self._moments else None

    def take(self) -> Moment:
        moment = self._moments[self._taken]
        self._taken += 1
        if self._taken == len(self._moments):
            self._parts_now = self._parts
            self._load()
        return moment

    def save(self) -> bytes:
        return msgspec.msgpack.encode(_Place(self._before, self._taken, self._parts_now))

    def resume(self, place: bytes) -> list[Moment]:
        saved = msgspec.msgpack.decode(place, type=_Place)
        self._source.restore(saved.source)
        # The candle in play keeps the steps it was begun with, whatever the speed is now.
        self._parts_now = saved.parts
        self._load()
        self._taken = saved.taken
        return self._moments[: saved.taken]

    def _load(self) -> None:
        self._before = self._source.save()
        self._taken = 0
        bars = self._source.next_bars()
        if bars is None:
            self._moments = []
            return
        instruments = [self._instrument_of(bar) for bar in bars]
        self._moments = bar_moments(bars, instruments, self._interval, self._parts_now)
