"""Private messages: what happened to an account, as the topics its sockets asked for (bybit-v5 8.3)."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any, Protocol

import msgspec

from tradectl.matching.records import (
    FillHappened,
    Happening,
    OrderHappened,
    PositionHappened,
    WalletHappened,
)
from tradectl.sandbox.faults import Fault, Faults
from tradectl.sandbox.server.account_views import AccountViews
from tradectl.sandbox.server.rows.executions import execution_message_row, fast_execution_row
from tradectl.sandbox.server.rows.orders import order_message_row

PRODUCTS = ("spot", "linear", "inverse", "option")
#: Each topic with the products it may be narrowed to.
TOPICS: dict[str, tuple[str, ...]] = {
    "order": PRODUCTS,
    "execution": PRODUCTS,
    "execution.fast": PRODUCTS,
    "position": ("linear", "inverse", "option"),
    "wallet": (),
    "greeks": (),
    "dcp.future": (),
    "dcp.spot": (),
    "dcp.option": (),
}
KNOWN_TOPICS = frozenset(TOPICS) | {f"{topic}.{product}" for topic, products in TOPICS.items() for product in products}
_encode = msgspec.json.Encoder().encode


class Subscriber(Protocol):
    """A private socket that passed authentication."""

    topics: set[str]

    def push(self, frame: bytes, delay: float) -> None: ...


class _Held:
    """A message that a fault keeps back until ``left`` further ones of the account were sent."""

    __slots__ = ("frame", "left", "subscriber")

    def __init__(self, subscriber: Subscriber, frame: bytes, left: int) -> None:
        self.subscriber = subscriber
        self.frame = frame
        self.left = left


class PrivateStream:
    """Turns happenings into messages and hands them to the account's sockets. ``now`` is venue time."""

    def __init__(self, views: AccountViews, faults: Faults, now: Callable[[], int]) -> None:
        self._views = views
        self._faults = faults
        self._now = now
        self._subscribers: dict[str, list[Subscriber]] = {}
        self._held: dict[str, deque[_Held]] = {}
        self._count = 0

    def add(self, uid: str, subscriber: Subscriber) -> None:
        self._subscribers.setdefault(uid, []).append(subscriber)

    def remove(self, uid: str, subscriber: Subscriber) -> None:
        if subscriber in self._subscribers.get(uid, []):
            self._subscribers[uid].remove(subscriber)
        held = self._held.get(uid, deque())
        self._held[uid] = deque(item for item in held if item.subscriber is not subscriber)

    def publish(self, happenings: Iterable[Happening], delay: float = 0.0) -> None:
        """Send what happened, in order; neighbours of one topic and product share a message."""
        for (uid, topic, product), group in groupby(self._listened(happenings), key=lambda item: item[:3]):
            events = [event for *_, event in group]
            for subscriber in list(self._subscribers.get(uid, ())):
                for name in _names(subscriber.topics, topic, product):
                    self._send(uid, subscriber, topic, self._message(uid, name, topic, events), delay)

    def _listened(self, happenings: Iterable[Happening]) -> Iterator[tuple[str, str, str, Happening]]:
        """``(uid, topic, product, happening)`` of what some socket may want; ledger rows have no topic."""
        for happening in happenings:
            match happening:
                case OrderHappened(order):
                    key = (order.uid, "order", order.instrument.category.value)
                case FillHappened(fill):
                    key = (fill.uid, "execution", fill.instrument.category.value)
                case PositionHappened(position):
                    key = (position.uid, "position", position.instrument.category.value)
                case WalletHappened(uid):
                    key = (uid, "wallet", "")
                case _:
                    continue
            if self._subscribers.get(key[0]):
                yield (*key, happening)

    def _message(self, uid: str, name: str, topic: str, events: list[Happening]) -> bytes | None:
        fast = name.startswith("execution.fast")
        rows = [row for event in events if (row := self._row(event, fast)) is not None]
        if not rows:
            return None
        message: dict[str, Any] = {} if fast else {"id": f"{uid}_{topic}_{self._next()}"}
        message |= {"topic": name, "creationTime": self._now() // 1_000_000, "data": rows}
        return _encode(message)

    def _row(self, event: Happening, fast: bool) -> dict[str, Any] | None:
        match event:
            case OrderHappened(order):
                return order_message_row(order, self._views.instrument(order.instrument))
            case FillHappened(fill):
                if fast:
                    return fast_execution_row(fill) if fill.type == "Trade" else None
                return execution_message_row(fill)
            case PositionHappened(position):
                return self._views.position_message(position)
            case WalletHappened(uid, wallets):
                return self._views.wallet(uid, [wallet.coin for wallet in wallets])
            case _:
                return None

    def _next(self) -> int:
        self._count += 1
        return self._count

    # --- faults ---------------------------------------------------------------------------------------------------

    def _send(self, uid: str, subscriber: Subscriber, topic: str, frame: bytes | None, delay: float) -> None:
        if frame is None:
            return
        fault = self._faults.on_push(topic)
        if fault is not None and fault.action in ("delay", "reorder"):
            left = fault.by if fault.action == "delay" else 1
            self._held.setdefault(uid, deque()).append(_Held(subscriber, frame, left))
            return
        for _ in range(_copies(fault)):
            subscriber.push(frame, delay)
        self._let_go(uid, delay)

    def _let_go(self, uid: str, delay: float) -> None:
        """One more message of the account was sent: count down what is held."""
        for item in list(self._held.get(uid, ())):
            item.left -= 1
            if item.left <= 0:
                self._held[uid].remove(item)
                item.subscriber.push(item.frame, delay)


def _copies(fault: Fault | None) -> int:
    if fault is None:
        return 1
    return {"drop": 0, "duplicate": 2}[fault.action]


def _names(topics: set[str], topic: str, product: str) -> list[str]:
    """The names under which a socket listens to ``topic`` of ``product``: all in one, by product, or both."""
    bases = (topic, "execution.fast") if topic == "execution" else (topic,)
    return [name for base in bases for name in (base, f"{base}.{product}") if name in topics]
