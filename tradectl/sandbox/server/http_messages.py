"""One HTTP request as it was received, and one answer as it will be written."""

from collections.abc import Callable
from http import HTTPStatus

from msgspec import Struct


class HttpRequest(Struct):
    """``query`` and ``body`` are the raw bytes a signature covers; header names are lower case.

    ``path`` has lost a leading ``/p.<x>`` segment (bybit-v5 11.1).
    """

    method: str
    path: str
    query: bytes
    headers: dict[str, str]
    body: bytes
    peer: str
    port: int


class HttpAnswer(Struct):
    """``then`` runs once the answer was handed over (or lost); ``hold`` is given the function that releases it.

    With ``drop`` nothing is written and the connection is closed: the answer that was lost on its way.
    """

    body: bytes
    status: int = 200
    headers: dict[str, str] = {}
    content_type: str = "application/json"
    then: Callable[[], None] | None = None
    hold: Callable[[Callable[[], None]], None] | None = None
    drop: bool = False

    def encode(self, keep_alive: bool, with_body: bool = True) -> bytes:
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}"]
        lines.append(f"Content-Type: {self.content_type}")
        lines.append(f"Content-Length: {len(self.body)}")
        lines.append(f"Connection: {'keep-alive' if keep_alive else 'close'}")
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + (self.body if with_body else b"")


def strip_prefix(path: str) -> str:
    """``path`` without the ``/p.<x>`` segment that constructor-only pybit puts first."""
    if path.startswith("/p."):
        _, _, rest = path[1:].partition("/")
        return "/" + rest
    return path


def split_target(target: bytes) -> tuple[str, bytes]:
    """Path text and raw query of a request target, in origin or absolute form."""
    if not target.startswith(b"/"):
        _, _, rest = target.partition(b"://")
        target = b"/" + rest.partition(b"/")[2]
    path, _, query = target.partition(b"?")
    return strip_prefix(path.decode("latin-1")), query


def is_local(peer: str) -> bool:
    """Whether a peer's address is this machine's loopback."""
    return peer.startswith(("127.", "::1", "::ffff:127."))
