"""Who listens to which public topic, and the frames of the market handed to them."""

from collections.abc import Iterable
from typing import Any

import msgspec

from tradectl.sandbox.server.channel import Channel
from tradectl.sandbox.server.delivery import Delivery
from tradectl.sandbox.venue import Frame, Venue

_encode = msgspec.json.Encoder().encode


class PublicStream:
    """Topics carry their category: ``linear/kline.1.BTCUSDT``."""

    def __init__(self, venue: Venue, delivery: Delivery) -> None:
        self._venue = venue
        self._delivery = delivery
        self._listeners: dict[str, list[Channel]] = {}

    def add(self, topic: str, channel: Channel) -> None:
        """Start frames of ``topic`` for ``channel``. Raises ``Refused`` for an unknown one."""
        self._venue.watch(topic)
        self._listeners.setdefault(topic, []).append(channel)

    def remove(self, topic: str, channel: Channel) -> None:
        listeners = self._listeners.get(topic, [])
        if channel in listeners:
            listeners.remove(channel)
            self._venue.unwatch(topic)
        if not listeners:
            self._listeners.pop(topic, None)

    def snapshot(self, topic: str, channel: Channel, delay: float) -> None:
        """Send the first message of ``topic`` where it has one."""
        first: dict[str, Any] | None = self._venue.snapshot(topic)
        if first is not None:
            self._delivery.send(channel, _encode(first), delay)

    def publish(self, frames: Iterable[Frame]) -> None:
        """Hand each frame to its listeners: encoded once, in order."""
        for frame in frames:
            listeners = self._listeners.get(frame.topic)
            if listeners:
                encoded = _encode(frame.payload)
                for channel in tuple(listeners):
                    self._delivery.send(channel, encoded)
