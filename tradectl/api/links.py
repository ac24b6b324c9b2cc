"""The gateway's two connections: one that follows the daemon, one that asks the store. Both mend themselves."""

import asyncio
from pathlib import Path
from typing import TypeVar

from loguru import logger
from msgspec import DecodeError, Struct

from tradectl.api.projection import Projection
from tradectl.model.errors import ErrorCode, Problem
from tradectl.rpc.async_client import AsyncRpcClient
from tradectl.rpc.methods import INSTRUMENTS_LIST, STATUS, Method
from tradectl.rpc.params import InstrumentFilter, Params

P = TypeVar("P", bound=Params)
R = TypeVar("R", bound=Struct)
#: Seconds between two attempts to reach the daemon: doubling from the first to the last.
FIRST_RETRY, LAST_RETRY = 0.1, 2.0
#: Seconds between two signs of life asked of the daemon: one that hangs must not be shown as the present.
PING_EVERY = 5.0
#: Pings between two readings of the instruments, which change rarely.
INSTRUMENTS_EVERY = 120
ALL_INSTRUMENTS = InstrumentFilter(limit=100_000)


def not_connected(what: str, reason: str) -> Problem:
    """The 503 of a daemon or store that cannot be reached."""
    return Problem(
        ErrorCode.DAEMON_NOT_RUNNING,
        f"The {what} cannot be reached",
        reason=reason,
        remedy="It is tried again by itself; see: tradectl status",
    )


class DaemonLink:
    """Follows the daemon into ``projection`` and carries commands to it. Run :meth:`run` as a task."""

    def __init__(self, socket: Path, projection: Projection, *, timeout: float, ping_every: float = PING_EVERY) -> None:
        self._socket, self._projection, self._timeout, self._ping_every = socket, projection, timeout, ping_every
        self._client: AsyncRpcClient | None = None
        self._reason = "not connected yet"

    @property
    def connected(self) -> bool:
        return self._client is not None

    @property
    def reason(self) -> str:
        """Why it is not connected; empty when it is."""
        return "" if self.connected else self._reason

    def present(self) -> Projection:
        """The projection while it is kept up to date. Raises ``Problem(DAEMON_NOT_RUNNING)`` otherwise."""
        if not self.connected:
            raise not_connected("daemon", self._reason)
        return self._projection

    async def call(self, method: Method[P, R], params: P) -> R:
        """Carry a command out. Raises ``Problem``: the daemon's own, DAEMON_NOT_RUNNING, TIMEOUT."""
        if self._client is None:
            raise not_connected("daemon", self._reason)
        return await self._client.call(method, params)

    async def run(self) -> None:
        """Connect, follow, and begin again whenever that ends, until cancelled."""
        wait = FIRST_RETRY
        while True:
            seq = self._projection.seq
            try:
                await self._follow()
            except (Problem, DecodeError) as error:
                self._lost(error.reason if isinstance(error, Problem) else f"unreadable answer: {error}")
            wait = FIRST_RETRY if self._projection.seq != seq else min(wait * 2, LAST_RETRY)
            await asyncio.sleep(wait)

    def _lost(self, reason: str) -> None:
        if reason != self._reason:
            logger.warning("daemon not reachable at {}: {}", self._socket, reason)
        self._reason = reason

    async def _follow(self) -> None:
        client = await AsyncRpcClient.connect(self._socket, self._timeout)
        pings: asyncio.Task[None] | None = None
        try:
            await self._read_instruments(client)
            while True:
                snapshot, deltas = await client.subscribe()
                self._projection.take(snapshot)
                if self._client is None:
                    logger.info("following the daemon from sequence {}", snapshot.seq)
                    self._client = client
                    pings = asyncio.create_task(self._ping(client))
                async for delta in deltas:
                    if delta is None:  # some were dropped: what we have is no longer the present
                        break
                    self._projection.apply(delta)
        finally:
            self._client = None
            if pings is not None:
                pings.cancel()
                await asyncio.gather(pings, return_exceptions=True)
            await client.close()

    async def _read_instruments(self, client: AsyncRpcClient) -> None:
        self._projection.take_instruments((await client.call(INSTRUMENTS_LIST, ALL_INSTRUMENTS)).instruments)

    async def _ping(self, client: AsyncRpcClient) -> None:
        """End the connection when the daemon stops answering; read the instruments now and then."""
        pings = 0
        try:
            while True:
                await asyncio.sleep(self._ping_every)
                pings += 1
                await client.call(STATUS)
                if not self._projection.instruments or pings % INSTRUMENTS_EVERY == 0:
                    await self._read_instruments(client)
        except Problem:
            await client.close()


class StoreLink:
    """Asks the store; connects on demand, and once more when the connection it had turns out to be stale."""

    def __init__(self, socket: Path, *, timeout: float) -> None:
        self._socket, self._timeout = socket, timeout
        self._client: AsyncRpcClient | None = None
        self._connecting = asyncio.Lock()

    async def call(self, method: Method[P, R], params: P) -> R:
        """Raises ``Problem``: the store's own, or DAEMON_NOT_RUNNING when it cannot be reached."""
        had_one = self._client is not None
        try:
            return await self._ask(method, params)
        except Problem as problem:
            if not had_one or problem.code is not ErrorCode.DAEMON_NOT_RUNNING:
                raise
        return await self._ask(method, params)

    async def _ask(self, method: Method[P, R], params: P) -> R:
        try:
            return await (await self._connected()).call(method, params)
        except Problem as problem:
            if problem.code is ErrorCode.DAEMON_NOT_RUNNING:
                raise not_connected("store", problem.reason) from None
            raise

    async def _connected(self) -> AsyncRpcClient:
        async with self._connecting:
            if self._client is None or self._client.closed:
                self._client = await AsyncRpcClient.connect(self._socket, self._timeout)
            return self._client

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()
