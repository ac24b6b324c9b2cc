"""REST calls in worker threads: a bounded pool, one pybit session per thread, every answer as a ``Reply``."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from tradectl.exchange.bybit.meanings import MEANINGS, can_read_again, meaning_of
from tradectl.exchange.rate_limiter import RateLimiter, Window
from tradectl.exchange.retry_handler import ReadFailed, RetryPolicy, retry
from tradectl.model.money import use_exact_context

if TYPE_CHECKING:
    from tradectl.exchange.bybit.http_session import BybitSession, Reply, SessionPlan

T = TypeVar("T")

#: Silence after HTTP 403, in seconds (bybit-v5 3.1).
BAN = 600.0
#: Reads per second by pybit method, a fifth below the venue's tables (bybit-v5 3.1), so that clocks may differ.
READ_LIMITS = {
    "get_open_orders": 40,
    "get_order_history": 40,
    "get_executions": 40,
    "get_positions": 40,
    "get_wallet_balance": 40,
    "get_account_info": 40,
    "get_transaction_log": 20,
    "get_fee_rates": 4,
    "get_api_key_information": 8,
}


def read_limiter() -> RateLimiter:
    """The budgets of reads: per account and method, and 600 requests in 5 s per address with some room left."""
    groups = {method: Window(count, 1.0) for method, count in READ_LIMITS.items()}
    return RateLimiter(groups, Window(60, 1.0), Window(480, 5.0))


class Rest:
    """Runs calls in threads. Reads wait for their budget and are retried; a mutation is sent once, at once."""

    def __init__(
        self, make_plan: "Callable[[], SessionPlan]", threads: int, policy: RetryPolicy, limiter: RateLimiter
    ) -> None:
        self._make_plan = make_plan
        self._policy = policy
        self._limiter = limiter
        self._local = threading.local()
        self._sessions: list[BybitSession] = []
        self._pool = ThreadPoolExecutor(threads, "bybit-rest", initializer=use_exact_context)

    async def read(self, method: str, shape: type[T], **parameters: Any) -> T:
        """A GET decoded as ``shape``. Raises :class:`ReadFailed` when it fails for good."""
        return (await self.read_timed(method, shape, **parameters))[0]

    async def read_timed(self, method: str, shape: type[T], **parameters: Any) -> tuple[T, int]:
        """Like :meth:`read`, with the venue's transport clock in milliseconds."""
        return await retry(lambda: self._read_once(method, shape, parameters), self._policy)

    async def _read_once(self, method: str, shape: type[T], parameters: dict[str, Any]) -> tuple[T, int]:
        now = asyncio.get_running_loop().time()
        quiet = self._limiter.quiet_for(now)
        if quiet:
            raise ReadFailed(403, f"this address is banned for another {quiet:.0f} s", again=False)
        await asyncio.sleep(self._limiter.reserve(method, now))
        reply = await self.send(method, **parameters)
        if reply.code or not reply.status:
            raise self._failure(reply)
        return _decode(reply, method, shape), reply.time

    async def send(self, method: str, **parameters: Any) -> "Reply":
        """One call, exactly once. Every failure comes back as a ``Reply``."""
        reply = await asyncio.get_running_loop().run_in_executor(self._pool, self._call, method, parameters)
        if reply.status == 403:
            self._limiter.be_quiet(asyncio.get_running_loop().time() + BAN)
        return reply

    def quiet_for(self) -> float:
        """Seconds of silence still to keep after an HTTP 403."""
        return self._limiter.quiet_for(asyncio.get_running_loop().time())

    def _call(self, method: str, parameters: dict[str, Any]) -> "Reply":
        """Runs in a worker thread."""
        from tradectl.exchange.bybit.http_session import BybitSession, call

        session = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = BybitSession(self._make_plan())
            self._sessions.append(session)
        return call(session, method, parameters)

    def _failure(self, reply: "Reply") -> ReadFailed:
        if not reply.status:
            return ReadFailed(0, reply.message, again=True)
        text = reply.message or "no text"
        if reply.code in MEANINGS:
            text = f"{meaning_of(reply.code).text}: {text}"
        return ReadFailed(reply.code, text, again=can_read_again(reply.code), wait=refill_wait(reply))

    async def close(self) -> None:
        """Wait for calls that run, forget those that wait, close every session."""
        await asyncio.to_thread(self._pool.shutdown, wait=True, cancel_futures=True)
        for session in self._sessions:
            session.client.close()


def refill_wait(reply: "Reply") -> float:
    """Seconds until an exceeded limit refills, by the headers and the venue's clock; 0 unless exceeded."""
    reset = header(reply.headers, "X-Bapi-Limit-Reset-Timestamp")
    if reply.code != 10006 or not reset.isdigit() or not reply.time:
        return 0.0
    return min(max(int(reset) - reply.time, 0) / 1000.0, 5.0)


def header(headers: Any, name: str) -> str:
    """A header by name in any case; ``""`` when absent."""
    value = headers.get(name)
    if value is None:
        lowered = name.lower()
        value = next((v for k, v in headers.items() if k.lower() == lowered), "")
    return str(value)


def _decode(reply: "Reply", method: str, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(reply.result, type=shape, strict=False)
    except msgspec.ValidationError as error:
        raise ReadFailed(0, f"{method} answered in a shape we do not know: {error}", again=False) from error
