"""When a failed read is tried again. For reads only: an order mutation is never repeated here."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from msgspec import Struct

T = TypeVar("T")


class ReadFailed(Exception):
    """A read that failed. ``again`` says whether trying again can help, ``wait`` how many seconds it takes at least."""

    def __init__(self, code: int, message: str, *, again: bool, wait: float = 0.0) -> None:
        super().__init__(f"{message} (code {code})")
        self.code = code
        self.message = message
        self.again = again
        self.wait = wait


class RetryPolicy(Struct, frozen=True):
    """``attempts`` in total, delays growing from ``first`` to ``longest`` seconds, jittered by ``random`` in [0, 1)."""

    attempts: int
    random: Callable[[], float]
    first: float = 0.25
    longest: float = 5.0


def backoff(attempt: int, first: float, longest: float, random: Callable[[], float]) -> float:
    """Seconds before try ``attempt`` + 1: doubled each time up to ``longest``, then 50 to 100 % of it, so that many
    clients of one venue do not come back together."""
    ceiling = min(longest, first * 2.0 ** min(attempt, 30))
    return ceiling * (0.5 + random() / 2)


async def retry(read: Callable[[], Awaitable[T]], policy: RetryPolicy) -> T:
    """The result of ``read``, tried again while its failure says that helps. Raises the last :class:`ReadFailed`."""
    attempt = 0
    while True:
        try:
            return await read()
        except ReadFailed as failure:
            attempt += 1
            if not failure.again or attempt >= policy.attempts:
                raise
            pause = backoff(attempt - 1, policy.first, policy.longest, policy.random)
            await asyncio.sleep(max(failure.wait, pause))
