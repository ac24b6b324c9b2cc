"""A small synchronous client for a terminal: one socket, one call, one answer.

It works on plain JSON values and imports neither msgspec nor the typed records, because ``tradectl status`` must start
almost as fast as Python itself; ``socket`` would cost 5 ms for its enums, the ``_socket`` below it costs none. Amounts
arrive as :class:`Number`: the digits the server wrote, never a float.
"""

from __future__ import annotations

import _socket
import json

TYPE_CHECKING = False  # importing typing would cost a tenth of the quick path
if TYPE_CHECKING:
    from typing import Any

MAX_ANSWER = 8 << 20
CALL_TIMEOUT = 10.0


class Number(str):
    """A JSON number with a fraction or exponent, kept as its text."""

    __slots__ = ()


class RpcError(Exception):
    """What went wrong with a call: the server's ``Problem``, or that nobody answered (69, 75, 77)."""

    def __init__(
        self, code: str, message: str, *, exit_code: int = 1, field: str = "", reason: str = "", remedy: str = ""
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.exit_code = code, message, exit_code
        self.field, self.reason, self.remedy = field, reason, remedy
        self.detail: Any = None


def _not_running(path: str, error: OSError) -> RpcError:
    if isinstance(error, PermissionError):
        return RpcError("FORBIDDEN", f"no permission for {path}", exit_code=77, reason=str(error))
    stale = isinstance(error, ConnectionRefusedError)
    return RpcError(
        "DAEMON_NOT_RUNNING",
        f"the daemon is not running ({'its socket is left at' if stale else 'there is no socket'} {path})",
        exit_code=69,
        reason="stale socket" if stale else "no socket",
        remedy="Start it: tradectl start",
    )


class RpcClient:
    """A connection to the socket at ``path``; every wait is bounded by ``timeout`` seconds.

    ``about`` is who gave the last answer: mode and profile. Raises :class:`RpcError` with exit code 69 when nothing
    listens there and 75 when no answer comes in time.
    """

    def __init__(self, path: str, timeout: float = CALL_TIMEOUT) -> None:
        self._path = path
        self._calls = 0
        self._buffer = b""
        self.about: dict[str, str] = {}
        self._socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        self._socket.settimeout(timeout)
        try:
            self._socket.connect(path)
        except OSError as error:
            self._socket.close()
            if isinstance(error, TimeoutError):
                raise self._no_answer() from None
            raise _not_running(path, error) from None

    def call(self, method: str, params: dict[str, Any] | None = None) -> Any:
        """The result of one call as plain JSON values. Raises :class:`RpcError`."""
        self._calls += 1
        request = {"jsonrpc": "2.0", "id": self._calls, "method": method, "params": params or {}}
        self._send(json.dumps(request).encode() + b"\n")
        while True:
            message = self._read_message()
            if "method" in message:
                continue
            if "error" in message:
                raise _reported(message["error"])
            self.about = message.get("about") or {}
            return message.get("result")

    def _send(self, line: bytes) -> None:
        """A server that closed may have answered why before: what it wrote is read next, so its end is no error yet."""
        try:
            self._socket.sendall(line)
        except TimeoutError:
            raise self._no_answer() from None
        except OSError:
            return

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> RpcClient:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _read_message(self) -> dict[str, Any]:
        while (end := self._buffer.find(b"\n")) < 0:
            try:
                chunk = self._socket.recv(1 << 16)
            except TimeoutError:
                raise self._no_answer() from None
            except OSError as error:
                raise self._hung_up(str(error)) from None
            if not chunk or len(self._buffer) > MAX_ANSWER:
                raise self._hung_up("the connection was closed" if not chunk else "the answer is too large")
            self._buffer += chunk
        line, self._buffer = self._buffer[:end], self._buffer[end + 1 :]
        message: dict[str, Any] = json.loads(line, parse_float=Number)
        return message

    def _no_answer(self) -> RpcError:
        return RpcError(
            "TIMEOUT",
            f"no answer from {self._path} within {self._socket.gettimeout():g} s",
            exit_code=75,
            reason="timeout",
            remedy="Look at tradectl logs; the daemon may be busy or stuck.",
        )

    def _hung_up(self, reason: str) -> RpcError:
        return RpcError(
            "DAEMON_NOT_RUNNING",
            f"the daemon hung up before it answered ({self._path})",
            exit_code=69,
            reason=reason,
            remedy="Look at tradectl logs, then start it: tradectl start",
        )


def _reported(error: dict[str, Any]) -> RpcError:
    data = error.get("data") or {}
    failure = RpcError(
        data.get("code", "INTERNAL"),
        error.get("message", ""),
        exit_code=data.get("exit_code", 1),
        field=data.get("field", ""),
        reason=data.get("reason", ""),
        remedy=data.get("remedy", ""),
    )
    failure.detail = data.get("detail")
    return failure


def call(path: str, method: str, params: dict[str, Any] | None = None, timeout: float = CALL_TIMEOUT) -> Any:
    """One call on a connection of its own."""
    with RpcClient(path, timeout) as client:
        return client.call(method, params)
