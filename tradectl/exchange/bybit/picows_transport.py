"""The streams over picows: the cheapest frame callback Python has."""

import asyncio
from typing import cast

from picows import WSCloseCode, WSError, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from tradectl.exchange.bybit.transport import MAX_MESSAGE, OnClosed, OnMessage, TransportOptions


class _Listener(WSListener):
    """Puts fragments together and passes whole text messages on."""

    def __init__(self, on_message: OnMessage, on_closed: OnClosed) -> None:
        self._on_message = on_message
        self._on_closed = on_closed
        self._parts: list[bytes] = []
        self._early: list[bytes] = []
        self._ready = False
        self.silenced = False

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        kind = frame.msg_type
        if kind == WSMsgType.CLOSE:
            transport.disconnect()
        elif self.silenced or kind == WSMsgType.PONG:
            return
        elif frame.fin and not self._parts and self._ready:
            self._on_message(frame.get_payload_as_bytes())
        else:
            self._collect(transport, frame)

    def _collect(self, transport: WSTransport, frame: WSFrame) -> None:
        self._parts.append(frame.get_payload_as_bytes())
        if sum(map(len, self._parts)) > MAX_MESSAGE:
            transport.disconnect()
        elif frame.fin:
            whole, self._parts = b"".join(self._parts), []
            self._on_message(whole) if self._ready else self._early.append(whole)

    def listen(self) -> None:
        """Start delivering, first what came together with the handshake."""
        self._ready = True
        for message in self._early:
            self._on_message(message)
        self._early.clear()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        if self._ready and not self.silenced:
            self._on_closed(_why(transport))


def _why(transport: WSTransport) -> str:
    handshake = transport.close_handshake
    if handshake is None or handshake.recv is None:
        return "the connection was cut"
    code = int(cast(int, handshake.recv.code))
    return f"the venue closed it: {code} {handshake.recv.reason or ''}".rstrip()


class PicowsTransport:
    """A picows connection as a ``Transport``."""

    def __init__(self, transport: WSTransport, listener: _Listener) -> None:
        self._transport = transport
        self._listener = listener
        self._port: int = transport.underlying_transport.get_extra_info("sockname")[1]

    @property
    def local_port(self) -> int:
        return self._port

    def start(self) -> None:
        self._listener.listen()

    def send(self, payload: bytes) -> None:
        if self._listener.silenced or self._transport.is_disconnected:
            raise ConnectionError("the socket is closed")
        self._transport.send(WSMsgType.TEXT, payload)

    def close(self) -> None:
        self._listener.silenced = True
        if not self._transport.is_disconnected:
            self._transport.send_close(WSCloseCode.OK)
            self._transport.disconnect()


async def connect(url: str, on_message: OnMessage, on_closed: OnClosed, options: TransportOptions) -> PicowsTransport:
    """Open ``url``. Raises ``OSError`` when it fails."""
    listener = _Listener(on_message, on_closed)
    try:
        async with asyncio.timeout(options.timeout):
            transport, _ = await ws_connect(
                lambda: listener,
                url,
                ssl_context=options.tls,
                websocket_handshake_timeout=options.timeout,
                max_frame_size=MAX_MESSAGE,
                proxy=options.proxy or None,
            )
    except WSError as error:
        raise ConnectionError(str(error)) from error
    if transport.is_disconnected:
        raise ConnectionError("the venue closed the socket at once")
    return PicowsTransport(transport, listener)
