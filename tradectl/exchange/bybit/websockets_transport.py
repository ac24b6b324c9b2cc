"""The streams over ``websockets``, wherever picows has no wheel: same behaviour, about three times the cost."""

from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as ws_connect
from websockets.exceptions import InvalidHandshake, InvalidURI
from websockets.frames import Frame, Opcode
from websockets.protocol import Event, State

from tradectl.exchange.bybit.transport import MAX_MESSAGE, OnClosed, OnMessage, TransportOptions


class _CallbackConnection(ClientConnection):
    """Delivers whole messages from the read callback itself: no queue and no task per message."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.on_message: OnMessage | None = None
        self.on_closed: OnClosed | None = None
        self._early: list[bytes] = []
        self._parts: list[bytes] = []

    def process_event(self, event: Event) -> None:
        if not isinstance(event, Frame) or event.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            super().process_event(event)
            if isinstance(event, Frame) and event.opcode is Opcode.CLOSE:
                # Our own close frame is already written; waiting for the venue to hang up first gains nothing.
                self.transport.close()
            return
        self._parts.append(bytes(event.data))
        if event.fin:
            whole, self._parts = b"".join(self._parts), []
            self._deliver(whole)

    def _deliver(self, message: bytes) -> None:
        if self.on_message is None:
            self._early.append(message)
        else:
            self.on_message(message)

    def listen(self, on_message: OnMessage, on_closed: OnClosed) -> None:
        """Start delivering, first what came together with the handshake."""
        self.on_message, self.on_closed = on_message, on_closed
        early, self._early = self._early, []
        for message in early:
            on_message(message)

    def silence(self) -> None:
        """Deliver nothing any more."""
        self.on_message, self.on_closed = _ignore, None

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self.on_closed is not None:
            self.on_closed(self._why())

    def _why(self) -> str:
        if self.protocol.close_rcvd is None:
            return "the connection was cut"
        return f"the venue closed it: {self.protocol.close_rcvd}"


def _ignore(message: bytes) -> None:
    """Where messages go after a close."""


class WebsocketsTransport:
    """A ``websockets`` connection as a ``Transport``."""

    def __init__(self, connection: _CallbackConnection, on_message: OnMessage, on_closed: OnClosed) -> None:
        self._connection = connection
        self._on_message, self._on_closed = on_message, on_closed
        self._port: int = connection.local_address[1]

    @property
    def local_port(self) -> int:
        return self._port

    def start(self) -> None:
        self._connection.listen(self._on_message, self._on_closed)

    def send(self, payload: bytes) -> None:
        connection = self._connection
        if connection.protocol.state is not State.OPEN:
            raise ConnectionError("the socket is closed")
        connection.protocol.send_text(payload)
        connection.send_data()

    def close(self) -> None:
        connection = self._connection
        connection.silence()
        if connection.protocol.state is State.OPEN:
            connection.protocol.send_close(1000)
            connection.send_data()
        connection.transport.close()


async def connect(
    url: str, on_message: OnMessage, on_closed: OnClosed, options: TransportOptions
) -> WebsocketsTransport:
    """Open ``url``. Raises ``OSError`` when it fails."""
    # Passing ssl=None would switch TLS off for wss.
    extra: dict[str, Any] = {"ssl": options.tls} if options.tls and url.startswith("wss") else {}
    try:
        connection = await ws_connect(
            url,
            create_connection=_CallbackConnection,
            compression=None,
            open_timeout=options.timeout,
            ping_interval=None,
            max_size=MAX_MESSAGE,
            proxy=options.proxy or None,
            **extra,
        )
    except (InvalidHandshake, InvalidURI) as error:
        raise ConnectionError(str(error)) from error
    assert isinstance(connection, _CallbackConnection)
    if connection.protocol.state is not State.OPEN:
        raise ConnectionError("the venue closed the socket at once")
    return WebsocketsTransport(connection, on_message, on_closed)
