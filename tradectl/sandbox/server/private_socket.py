"""Private sockets: authentication, topics, pongs (bybit-v5 2.2, 8.1, 8.3)."""

from typing import Any

from tradectl.matching.records import Refused
from tradectl.sandbox.server.channel import Channel
from tradectl.sandbox.server.floor import Floor
from tradectl.sandbox.server.private_stream import KNOWN_TOPICS, PRODUCTS
from tradectl.sandbox.server.sockets import DataSocket, echoed, text_args


class PrivateSocket(DataSocket):
    """A subscriber of one account once authenticated."""

    kind = "private"

    def __init__(self, floor: Floor, channel: Channel) -> None:
        super().__init__(floor, channel)
        self.topics: set[str] = set()
        self._uid = ""

    def push(self, frame: bytes, delay: float) -> None:
        """Send a private message, never before what was sent earlier."""
        self.floor.delivery.send(self.channel, frame, delay)

    def on_message(self, message: dict[str, Any]) -> None:
        match message.get("op"):
            case "ping":
                pong = {"op": "pong", "args": [str(self.floor.wall_ms())], "conn_id": self.conn_id}
                self.answer(echoed(message, "req_id") | pong)
            case "auth":
                self._authenticate(message)
            case "subscribe" | "unsubscribe" as op:
                self._change(op, message)
            case op:
                self._acknowledge("", message, f"error:invalid op: {str(op)[:40]}")

    def on_malformed(self, reason: str) -> None:
        self._acknowledge("", {}, reason)

    def on_closed(self) -> None:
        if self._uid:
            self.floor.private.remove(self._uid, self)

    def _authenticate(self, message: dict[str, Any]) -> None:
        if self._uid:
            self._acknowledge("auth", message, "Repeat auth")
            return
        try:
            account = self.floor.keys.websocket(message.get("args"), self.floor.wall_ms(), self.channel.peer)
        except Refused as refused:
            self._acknowledge("auth", message, refused.message)
            return
        self._uid = account.uid
        self.floor.private.add(self._uid, self)
        self._acknowledge("auth", message, "")

    def _change(self, op: str, message: dict[str, Any]) -> None:
        topics = text_args(message)
        if not self._uid:
            self._acknowledge(op, message, "Request not authorized")
            return
        problem = "error:args must be a list of topics" if topics is None else self._problem(op, topics)
        if topics is None or problem:
            self._acknowledge(op, message, problem)
            return
        if op == "subscribe":
            repeated = [topic for topic in topics if topic in self.topics]
            self.topics.update(topics)
            problem = f"error:already subscribed,topic:{repeated[0]}" if repeated else ""
        else:
            self.topics.difference_update(topics)
        self._acknowledge(op, message, problem)

    def _problem(self, op: str, topics: list[str]) -> str:
        for topic in topics:
            if topic not in KNOWN_TOPICS or (op == "unsubscribe" and topic not in self.topics):
                return f"error:handler not found,topic:{topic}"
        narrowed = {topic.rpartition(".")[0] for topic in topics if topic.rpartition(".")[2] in PRODUCTS}
        if narrowed & set(topics):
            return f"error:all-in-one and categorised topics in one request,topic:{min(narrowed & set(topics))}"
        return ""

    def _acknowledge(self, op: str, message: dict[str, Any], problem: str) -> None:
        ack = {"success": not problem, "ret_msg": problem, "op": op, "conn_id": self.conn_id}
        self.answer(ack | echoed(message, "req_id"))
