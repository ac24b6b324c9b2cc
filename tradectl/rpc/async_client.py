"""The asyncio client: typed calls on one connection, and a subscription with snapshot and deltas."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from tradectl.model.errors import ErrorCode, Problem
from tradectl.rpc import protocol as wire
from tradectl.rpc.methods import DROPPED_NOTIFICATION, EVENT_NOTIFICATION, EVENTS_SUBSCRIBE, Delta, Method, Snapshot
from tradectl.rpc.params import Params

P = TypeVar("P", bound=Params)
R = TypeVar("R", bound=Struct)
CALL_TIMEOUT = 10.0
#: Deltas kept for a subscriber that is busy.
MAX_KEPT = 8192


def _gone(path: Path, reason: str) -> Problem:
    return Problem(
        ErrorCode.DAEMON_NOT_RUNNING,
        f"nothing answers at {path}",
        reason=reason,
        remedy="Start it: tradectl start",
    )


class AsyncRpcClient:
    """One connection; calls may overlap. Raises ``Problem``: what the server raised, DAEMON_NOT_RUNNING, TIMEOUT.

    Make it with :meth:`connect`. A connection that broke stays broken: connect again.
    """

    def __init__(self, path: Path, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, patience: float) -> None:
        self._path, self._reader, self._writer, self._timeout = path, reader, writer, patience
        self._calls = 0
        self._waiting: dict[int, asyncio.Future[msgspec.Raw]] = {}
        self._notifications: deque[wire.Response] = deque()
        self._arrived = asyncio.Event()
        self._broken = ""
        self._task = asyncio.get_running_loop().create_task(self._read())

    @classmethod
    async def connect(cls, path: Path | str, patience: float = CALL_TIMEOUT) -> "AsyncRpcClient":
        """``patience`` in seconds bounds the connection and each call."""
        path = Path(path)
        try:
            async with asyncio.timeout(patience):
                reader, writer = await asyncio.open_unix_connection(path, limit=wire.MAX_RESPONSE + 1)
        except TimeoutError:
            raise _gone(path, "no connection in time") from None
        except OSError as error:
            raise _gone(path, str(error)) from None
        return cls(path, reader, writer, patience)

    @property
    def closed(self) -> bool:
        return bool(self._broken)

    async def call(self, method: Method[P, R], params: P | None = None) -> R:
        """Call ``method`` and decode its answer into its result type."""
        return msgspec.json.decode(await self.call_raw(method.name, params), type=method.result)

    async def call_raw(self, name: str, params: Any = None) -> msgspec.Raw:
        """The answer's JSON as it came."""
        if self._broken:
            raise _gone(self._path, self._broken)
        self._calls += 1
        number = self._calls
        future: asyncio.Future[msgspec.Raw] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            self._writer.write(wire.request_line(number, name, {} if params is None else params))
            async with asyncio.timeout(self._timeout):
                return await future
        except TimeoutError:
            raise Problem(
                ErrorCode.TIMEOUT,
                f"{name} was not answered within {self._timeout:g} s",
                reason="timeout",
                remedy="Try again; look at tradectl logs.",
            ) from None
        finally:
            self._waiting.pop(number, None)

    async def subscribe(self) -> tuple[Snapshot, AsyncIterator[Delta | None]]:
        """The snapshot at its sequence, and every delta after it.

        ``None`` in the stream means deltas were dropped because this end read too slowly: take a new snapshot. The
        stream ends with ``Problem(DAEMON_NOT_RUNNING)`` when the connection does.
        """
        self._notifications.clear()
        snapshot = await self.call(EVENTS_SUBSCRIBE)
        return snapshot, self._deltas(snapshot.seq)

    async def _deltas(self, seq: int) -> AsyncIterator[Delta | None]:
        decoder = msgspec.json.Decoder(Delta)
        while True:
            while self._notifications:
                message = self._notifications.popleft()
                if message.method == DROPPED_NOTIFICATION:
                    yield None
                elif message.method == EVENT_NOTIFICATION:
                    delta = decoder.decode(message.params)
                    if delta.seq > seq:
                        seq = delta.seq
                        yield delta
            if self._broken:
                raise _gone(self._path, self._broken)
            self._arrived.clear()
            await self._arrived.wait()

    async def close(self) -> None:
        """Close the connection; calls under way fail with DAEMON_NOT_RUNNING."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _read(self) -> None:
        reason = "closed"
        try:
            while line := await self._reader.readline():
                self._dispatch(wire.RESPONSES.decode(line))
            reason = "the connection was closed"
        except (OSError, ValueError, msgspec.DecodeError) as error:
            reason = str(error)
        finally:
            self._break(reason)

    def _dispatch(self, message: wire.Response) -> None:
        if message.method:
            self._keep(message)
            return
        if message.id is None and message.error is not None:  # refused at the door
            self._fail_all(wire.to_problem(message.error))
            return
        future = self._waiting.get(message.id) if isinstance(message.id, int) else None
        if future is None or future.done():
            return
        if message.error is not None:
            future.set_exception(wire.to_problem(message.error))
        else:
            future.set_result(message.result)

    def _keep(self, notification: wire.Response) -> None:
        """Keep it for the subscriber; when that one falls behind too far, tell it to start over instead."""
        if len(self._notifications) >= MAX_KEPT:
            self._notifications.clear()
            notification = wire.Response(method=DROPPED_NOTIFICATION)
        self._notifications.append(notification)
        self._arrived.set()

    def _fail_all(self, problem: Problem) -> None:
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(problem)

    def _break(self, reason: str) -> None:
        self._broken = reason
        self._writer.close()
        self._fail_all(_gone(self._path, reason))
        self._arrived.set()
