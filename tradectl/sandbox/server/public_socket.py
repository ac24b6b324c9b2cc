"""Public sockets: subscriptions, acknowledgements and pongs in the shape of their category (bybit-v5 8.1)."""

from typing import Any

from tradectl.matching.records import Refused
from tradectl.sandbox.server.channel import Channel
from tradectl.sandbox.server.floor import Floor
from tradectl.sandbox.server.sockets import DataSocket, echoed, text_args

MAX_ARGS_CHARACTERS = 21_000
MAX_SPOT_ARGS = 10
MAX_OPTION_ARGS = 2_000


class PublicSocket(DataSocket):
    """``category`` comes from the path."""

    kind = "public"

    def __init__(self, floor: Floor, channel: Channel, category: str) -> None:
        super().__init__(floor, channel)
        self._category = category
        self._topics: set[str] = set()

    def on_message(self, message: dict[str, Any]) -> None:
        match message.get("op"):
            case "ping":
                self.answer(self._pong(message))
            case "subscribe" | "unsubscribe" as op:
                self._change(op, message)
            case op:
                self.on_malformed(f"error:invalid op: {str(op)[:40]}", echoed(message, "req_id"))

    def on_malformed(self, reason: str, extra: dict[str, Any] | None = None) -> None:
        self.answer({"success": False, "ret_msg": reason, "conn_id": self.conn_id, **(extra or {}), "op": ""})

    def on_closed(self) -> None:
        for topic in self._topics:
            self.floor.public.remove(f"{self._category}/{topic}", self.channel)
        self._topics.clear()

    # --- pings ----------------------------------------------------------------------------------------------------

    def _pong(self, message: dict[str, Any]) -> dict[str, Any]:
        if self._category == "option":
            return {"args": [str(self.floor.wall_ms())], "op": "pong"}
        pong = {"success": True, "ret_msg": "pong", "conn_id": self.conn_id}
        if self._category != "spot":
            pong |= echoed(message, "req_id") or {"req_id": ""}
        return {**pong, "op": "ping"}

    # --- subscriptions --------------------------------------------------------------------------------------------

    def _change(self, op: str, message: dict[str, Any]) -> None:
        topics = text_args(message)
        problem = "error:args must be a list of topics" if topics is None else self._over_limit(op, topics)
        if topics is None or problem:
            self._acknowledge(op, message, problem, [], [])
        elif op == "subscribe":
            self._subscribe(message, topics)
        else:
            self._unsubscribe(message, topics)

    def _over_limit(self, op: str, topics: list[str]) -> str:
        if self._category == "spot" and len(topics) > MAX_SPOT_ARGS:
            return f"error:args size >{MAX_SPOT_ARGS}"
        if op == "unsubscribe":
            return ""
        if self._category == "option" and len(self._topics) + len(topics) > MAX_OPTION_ARGS:
            return f"error:args size >{MAX_OPTION_ARGS}"
        if sum(map(len, self._topics)) + sum(map(len, topics)) > MAX_ARGS_CHARACTERS:
            return f"error:args length >{MAX_ARGS_CHARACTERS}"
        return ""

    def _subscribe(self, message: dict[str, Any], topics: list[str]) -> None:
        """New topics start, none of them when one is unknown; a repeated topic is named in the acknowledgement."""
        repeated = [topic for topic in topics if topic in self._topics]
        fresh = [topic for topic in dict.fromkeys(topics) if topic not in self._topics]
        unknown = self._watch(fresh)
        if unknown:
            self._acknowledge("subscribe", message, f"error:handler not found,topic:{unknown}", [unknown], [])
            return
        self._topics.update(fresh)
        problem = f"error:already subscribed,topic:{repeated[0]}" if repeated else ""
        self._acknowledge("subscribe", message, problem, repeated, fresh)
        for topic in fresh:
            self.floor.public.snapshot(f"{self._category}/{topic}", self.channel, self.floor.config.ack_delay)

    def _watch(self, topics: list[str]) -> str:
        """Start all topics, or none and return the one that is unknown."""
        for index, topic in enumerate(topics):
            try:
                self.floor.public.add(f"{self._category}/{topic}", self.channel)
            except Refused:
                for started in topics[:index]:
                    self.floor.public.remove(f"{self._category}/{started}", self.channel)
                return topic
        return ""

    def _unsubscribe(self, message: dict[str, Any], topics: list[str]) -> None:
        unknown = [topic for topic in topics if topic not in self._topics]
        stopped = [topic for topic in dict.fromkeys(topics) if topic in self._topics]
        for topic in stopped:
            self.floor.public.remove(f"{self._category}/{topic}", self.channel)
            self._topics.discard(topic)
        problem = f"error:handler not found,topic:{unknown[0]}" if unknown else ""
        self._acknowledge("unsubscribe", message, problem, unknown, stopped)

    def _acknowledge(self, op: str, message: dict[str, Any], problem: str, failed: list[str], done: list[str]) -> None:
        if self._category == "option":
            data = {"failTopics": failed, "successTopics": done}
            self.answer({"success": not problem, "conn_id": self.conn_id, "data": data, "type": "COMMAND_RESP"})
            return
        text = problem or (op if self._category == "spot" else "")
        ids = echoed(message, "req_id") or {"req_id": ""}
        self.answer({"success": not problem, "ret_msg": text, "conn_id": self.conn_id, **ids, "op": op})
