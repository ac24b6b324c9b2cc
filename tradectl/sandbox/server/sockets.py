"""What the three kinds of data sockets share: identity, answers, pings and the life of a subscription set."""

from abc import ABC, abstractmethod
from typing import Any

import msgspec

from tradectl.sandbox.server.channel import Channel
from tradectl.sandbox.server.floor import Floor

encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class DataSocket(ABC):
    """A session on a channel. Subclasses answer :meth:`on_message`; ``kind`` is public, private or trade."""

    kind = ""

    def __init__(self, floor: Floor, channel: Channel) -> None:
        self.floor = floor
        self.channel = channel
        self.conn_id = floor.next_conn_id()
        floor.delivery.opened(channel, self.kind)
        channel.on_text = self._on_text
        channel.on_close = self._on_close

    @abstractmethod
    def on_message(self, message: dict[str, Any]) -> None:
        """A JSON object arrived."""

    @abstractmethod
    def on_malformed(self, reason: str) -> None:
        """Something else arrived."""

    def on_closed(self) -> None:
        """Leave nothing behind; the base class has nothing."""
        return

    def answer(self, payload: dict[str, Any]) -> None:
        """Send an acknowledgement, with the delay clients need."""
        self.floor.delivery.send(self.channel, encode(payload), self.floor.config.ack_delay)

    def _on_text(self, raw: bytes) -> None:
        try:
            message = _decode(raw)
        except (msgspec.DecodeError, RecursionError):
            self.on_malformed("Invalid JSON")
            return
        if not isinstance(message, dict):
            self.on_malformed("Request must be a JSON object")
            return
        self.on_message(message)

    def _on_close(self) -> None:
        self.on_closed()
        self.floor.delivery.closed(self.channel)


def echoed(message: dict[str, Any], name: str) -> dict[str, Any]:
    """The client's request id under its own name, exactly as sent, if it was."""
    value = message.get(name)
    return {name: value} if isinstance(value, str | int) and not isinstance(value, bool) and value != "" else {}


def text_args(message: dict[str, Any]) -> list[str] | None:
    """The ``args`` of a subscription: a list of texts, else ``None``."""
    args = message.get("args")
    if isinstance(args, list) and args and all(isinstance(arg, str) for arg in args):
        return args
    return None
