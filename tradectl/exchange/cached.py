"""A value read once and kept for a while: one read in flight however many ask."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Cached(Generic[T]):
    """``load`` is awaited when the value is missing or older than ``ttl`` seconds of ``clock``."""

    def __init__(self, load: Callable[[], Awaitable[T]], ttl: float, clock: Callable[[], float]) -> None:
        self._load = load
        self._ttl = ttl
        self._clock = clock
        self._value: T | None = None
        self._loaded = 0.0
        self._flight: asyncio.Task[T] | None = None

    @property
    def last(self) -> T | None:
        """The value as last read, however old; ``None`` before the first read."""
        return self._value

    async def get(self) -> T:
        """The value, read again when it is too old. Raises what ``load`` raises; then the next call tries anew."""
        if self._value is not None and self._clock() - self._loaded < self._ttl:
            return self._value
        if self._flight is None:
            self._flight = asyncio.ensure_future(self._fly())
        # One waiter that gives up must not take the value from the others.
        return await asyncio.shield(self._flight)

    async def _fly(self) -> T:
        try:
            self._value = await self._load()
            self._loaded = self._clock()
            return self._value
        finally:
            self._flight = None
