"""Background work of the connector: tasks that are counted until their event reached the sink, and ended together."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any


class Work:
    """Tasks in flight. ``outstanding`` counts answers that are still due; loops in the background do not count."""

    def __init__(self, idle: Callable[[], None]) -> None:
        self._idle = idle
        self._tasks: set[asyncio.Task[None]] = set()
        self.outstanding = 0

    def answer(self, job: Callable[[], Awaitable[None]]) -> None:
        """Run ``job``, which ends by emitting an event, and count it until then."""
        self.outstanding += 1
        self.keep(asyncio.get_running_loop().create_task(self._count(job)))

    async def _count(self, job: Callable[[], Awaitable[None]]) -> None:
        try:
            await job()
        finally:
            self.outstanding -= 1
            self._idle()

    def background(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a loop that nobody waits for."""
        self.keep(asyncio.get_running_loop().create_task(coroutine))

    def keep(self, task: asyncio.Task[None]) -> None:
        """Hold a task until it ends: the loop itself keeps only weak references."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Cancel everything and wait for it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
