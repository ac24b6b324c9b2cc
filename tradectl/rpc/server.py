"""The server: newline-delimited JSON-RPC 2.0 on a Unix socket.

What one client sends can end its own connection (:mod:`tradectl.rpc.peer`) and no other.
"""

import asyncio
import os
import socket
import struct
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from tradectl.model.errors import ErrorCode, Problem
from tradectl.rpc import protocol as wire
from tradectl.rpc.address import listen, release
from tradectl.rpc.methods import EVENT_NOTIFICATION, Delta
from tradectl.rpc.peer import Handler, Peer

__all__ = ["Feed", "Handler", "Peer", "RpcServer"]


class RpcServer:
    """Serves ``methods`` at ``path``. ``setting`` is what an operator changes when the path is too long.

    ``about`` (``{"mode": ..., "profile": ...}``) goes with every answer, so that whatever shows it can name both.

    The limits are arguments so that a test can reach them; their defaults are the ones documented in ``protocol``.
    """

    def __init__(
        self,
        path: Path | str,
        methods: Mapping[str, Handler],
        *,
        setting: str = "TRADECTL_STATE",
        about: Mapping[str, str] | None = None,
        max_request: int = wire.MAX_REQUEST,
        max_response: int = wire.MAX_RESPONSE,
        max_connections: int = wire.MAX_CONNECTIONS,
        max_in_flight: int = wire.MAX_IN_FLIGHT,
        subscriber_queue: int = wire.SUBSCRIBER_QUEUE,
        slow_client: float = wire.SLOW_CLIENT,
        half_sent: float = wire.HALF_SENT,
    ) -> None:
        self.path = Path(path)
        self._methods = dict(methods)
        self._setting = setting
        self.about = wire.ENCODER.encode(about) if about else b""
        self.max_request, self.max_response = max_request, max_response
        self.max_connections, self.max_in_flight = max_connections, max_in_flight
        self.subscriber_queue, self.slow_client, self.half_sent = subscriber_queue, slow_client, half_sent
        self._peers: set[Peer] = set()
        self._server: asyncio.AbstractServer | None = None
        self._inode = -1

    async def start(self) -> None:
        """Listen. Raises ``Problem``: path too long, directory open to others, path in use."""
        listening = listen(self.path, self._setting)
        self._inode = self.path.lstat().st_ino
        self._server = await asyncio.get_running_loop().create_unix_server(lambda: Peer(self), sock=listening)

    async def close(self) -> None:
        """Stop listening, close every connection after its written answers, remove the socket file."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        release(self.path, self._inode)
        for peer in list(self._peers):
            peer.close()
        await asyncio.sleep(0)

    async def __aenter__(self) -> "RpcServer":
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    @property
    def connections(self) -> int:
        return len(self._peers)

    def credentials(self, transport: asyncio.BaseTransport) -> tuple[int, int]:
        """The peer's (pid, uid) as the kernel vouches for them."""
        sock = transport.get_extra_info("socket")
        pid, uid, _ = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        return pid, uid

    def admit(self, peer: Peer) -> Problem | None:
        """Take the connection in, or say why not: another user, or too many already."""
        if peer.uid not in (os.geteuid(), 0):
            return Problem(
                ErrorCode.FORBIDDEN,
                f"user id {peer.uid} may not control this daemon",
                reason="only the daemon's own user and root may",
                remedy="Use the account the daemon runs as, or sudo -u.",
            )
        if len(self._peers) >= self.max_connections:
            return Problem(
                ErrorCode.TOO_MANY_REQUESTS,
                f"{self.max_connections} connections are open",
                reason="no more connections are taken",
                remedy="Close other clients and try again.",
            )
        self._peers.add(peer)
        return None

    def forget(self, peer: Peer) -> None:
        self._peers.discard(peer)

    def handler(self, method: str) -> Handler:
        """Raises ``Problem(UNKNOWN_METHOD)``."""
        found = self._methods.get(method)
        if found is None:
            raise Problem(
                ErrorCode.UNKNOWN_METHOD,
                f"there is no method {method!r}",
                field="method",
                reason="unknown method",
                remedy="Is the daemon of an older version? Restart it.",
            )
        return found


class Feed:
    """Sends deltas to every subscriber, encoded once.

    A subscribe handler must be synchronous: it calls :meth:`add` and returns the snapshot in one step, so the
    subscriber receives exactly the deltas published after it.
    """

    def __init__(self) -> None:
        self._peers: list[Peer] = []

    def add(self, peer: Peer) -> None:
        """Start sending to ``peer``; once more is harmless."""
        if peer not in self._peers:
            self._peers.append(peer)

    @property
    def subscribers(self) -> int:
        self._peers = [peer for peer in self._peers if not peer.closed]
        return len(self._peers)

    def publish(self, delta: Delta | Struct, notification: str = EVENT_NOTIFICATION) -> None:
        """Send ``delta`` to all; free of cost when nobody listens."""
        if not self._peers or not self.subscribers:
            return
        line = wire.notification_line(notification, delta)
        for peer in self._peers:
            peer.notify(line)
