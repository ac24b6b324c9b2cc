"""The way to and from the paper venue: what is sent arrives in order, a constant time later."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Way(Generic[T]):
    """A queue on the event loop. ``arrive`` takes what has arrived; until ``ready`` says yes to the first, all wait."""

    def __init__(
        self, seconds: float, arrive: Callable[[T], None], ready: Callable[[T], bool] = lambda it: True
    ) -> None:
        self._seconds = seconds
        self._arrive = arrive
        self._ready = ready
        self._items: deque[tuple[float, T]] = deque()
        self._handle: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._items)

    def send(self, item: T) -> None:
        """Let ``item`` arrive, never before this returned."""
        self._items.append((asyncio.get_running_loop().time() + self._seconds, item))
        if self._handle is None:
            self._wake()

    def look(self) -> None:
        """Ask again whether the first may arrive."""
        if self._handle is None:
            self._wake()

    def _wake(self) -> None:
        if self._items:
            self._handle = asyncio.get_running_loop().call_at(self._items[0][0], self._due)

    def _due(self) -> None:
        self._handle = None
        now = asyncio.get_running_loop().time()
        while self._items and self._items[0][0] <= now:
            if not self._ready(self._items[0][1]):
                return
            self._arrive(self._items.popleft()[1])
        self._wake()

    def finish(self) -> None:
        """Let everything arrive now."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        while self._items:
            self._arrive(self._items.popleft()[1])
