"""What a WebSocket library must do for the streams; picows and websockets stand behind it, chosen by a setting."""

import ssl
from collections.abc import Awaitable, Callable
from typing import Protocol

from msgspec import Struct

from tradectl.exchange.bybit.config import TransportName

#: The largest message taken; a 1000-level snapshot is about 60 KB.
MAX_MESSAGE = 10 * 1024 * 1024
OnMessage = Callable[[bytes], None]
OnClosed = Callable[[str], None]


class TransportOptions(Struct, frozen=True):
    """How to connect. ``proxy`` is a URL or empty; ``timeout`` in seconds covers the whole handshake."""

    timeout: float
    proxy: str = ""
    tls: ssl.SSLContext | None = None


class Transport(Protocol):
    """An open socket. Protocol pings are answered below it; messages and the end are told through callbacks."""

    @property
    def local_port(self) -> int:
        """The TCP port on this side."""

    def start(self) -> None:
        """Begin delivering, first what arrived together with the handshake."""

    def send(self, payload: bytes) -> None:
        """Hand one text message to the socket before returning. Raises ``ConnectionError`` when it is closed."""

    def close(self) -> None:
        """Close; no message is delivered afterwards, and ``on_closed`` is not called."""


#: ``connect(url, on_message, on_closed, options)``; raises ``OSError`` (``TimeoutError`` included) when it fails.
Connect = Callable[[str, OnMessage, OnClosed, TransportOptions], Awaitable[Transport]]


def connector_of(name: TransportName) -> Connect:
    """The transport of that name. Its library is imported only now: a process loads the one it uses."""
    if name is TransportName.PICOWS:
        from tradectl.exchange.bybit import picows_transport

        return picows_transport.connect
    from tradectl.exchange.bybit import websockets_transport

    return websockets_transport.connect
