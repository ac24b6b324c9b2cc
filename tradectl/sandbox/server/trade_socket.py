"""The trade socket: order entry by message (bybit-v5 8.4)."""

from collections import deque
from typing import Any

from tradectl.matching.records import Refused
from tradectl.sandbox.config import SandboxAccount
from tradectl.sandbox.server.channel import Channel
from tradectl.sandbox.server.floor import Floor
from tradectl.sandbox.server.order_desk import Outcome
from tradectl.sandbox.server.signature import check_time, parse_milliseconds, parse_window
from tradectl.sandbox.server.sockets import DataSocket, echoed, encode

OPERATIONS = frozenset(f"order.{verb}{batch}" for verb in ("create", "amend", "cancel") for batch in ("", "-batch"))
MAX_REQ_ID = 36
#: Request ids remembered per connection; older ones may come again.
REMEMBERED = 100_000


class TradeSocket(DataSocket):
    """One authenticated account, its request ids and its answers."""

    kind = "trade"

    def __init__(self, floor: Floor, channel: Channel) -> None:
        super().__init__(floor, channel)
        self._account: SandboxAccount | None = None
        self._req_ids: set[str | int] = set()
        self._order_of_ids: deque[str | int] = deque()
        self._requests = 0

    def on_message(self, message: dict[str, Any]) -> None:
        match message.get("op"):
            case "ping":
                pong = {"retCode": 0, "retMsg": "OK", "op": "pong", "data": [str(self.floor.wall_ms())]}
                self.answer({**echoed(message, "reqId"), **pong, "connId": self.conn_id})
            case "auth":
                self._authenticate(message)
            case op:
                self._order(str(op), message)

    def on_malformed(self, reason: str) -> None:
        self._reply({}, "", Outcome(code=10001, message=reason))

    def _authenticate(self, message: dict[str, Any]) -> None:
        code, text = 0, "OK"
        try:
            if self._account is not None:
                raise Refused(20001, "Repeat auth")
            account = self.floor.keys.websocket(message.get("args"), self.floor.wall_ms(), self.channel.peer)
            self._account = account
        except Refused as refused:
            code, text = refused.code, refused.message
            if code == 10003:  # on this socket 10003 means too many sessions (bybit-v5 8.4)
                code = 10004
        reply = {"retCode": code, "retMsg": text, "op": "auth", "connId": self.conn_id}
        self.answer(echoed(message, "reqId") | reply)

    # --- orders ---------------------------------------------------------------------------------------------------

    def _order(self, op: str, message: dict[str, Any]) -> None:
        self.floor.desk.count(op, message.get("args"))
        try:
            body = self._checked(op, message)
        except Refused as refused:
            self._reply(message, op, Outcome(code=refused.code, message=refused.message))
            return
        assert self._account is not None
        outcome = self.floor.desk.handle("trade", self._account.uid, op, body, may_write=not self._account.read_only)
        self._reply(message, op, outcome)
        self.floor.private.publish(outcome.happenings, self.floor.config.ack_delay)

    def _checked(self, op: str, message: dict[str, Any]) -> dict[str, Any]:
        """The one object of ``args``. Raises ``Refused`` in the order Bybit checks: op, session, id, header, args."""
        if op not in OPERATIONS:
            raise Refused(10404, f"op type is not found: {op[:40]}")
        if self._account is None:
            raise Refused(10004, "Request not authorized")
        self._check_req_id(message.get("reqId"))
        header = message.get("header")
        timestamp = parse_milliseconds(header.get("X-BAPI-TIMESTAMP")) if isinstance(header, dict) else None
        if not isinstance(header, dict) or timestamp is None:
            raise Refused(10001, "params error: header X-BAPI-TIMESTAMP is required")
        check_time(timestamp, parse_window(header.get("X-BAPI-RECV-WINDOW")), self.floor.wall_ms())
        args = message.get("args")
        if not isinstance(args, list) or len(args) != 1 or not isinstance(args[0], dict):
            raise Refused(10001, "params error: args holds exactly one object")
        if "category" in args[0] and args[0]["category"] not in ("spot", "linear", "inverse", "option"):
            raise Refused(10404, f"category is not supported: {str(args[0]['category'])[:40]}")
        return args[0]

    def _check_req_id(self, req_id: object) -> None:
        if req_id is None or req_id == "":
            return
        if isinstance(req_id, bool) or not isinstance(req_id, str | int) or len(str(req_id)) > MAX_REQ_ID:
            raise Refused(10001, f"params error: reqId is at most {MAX_REQ_ID} characters")
        if req_id in self._req_ids:
            raise Refused(20006, "Duplicate reqId")
        self._req_ids.add(req_id)
        self._order_of_ids.append(req_id)
        if len(self._order_of_ids) > REMEMBERED:
            self._req_ids.discard(self._order_of_ids.popleft())

    # --- answers --------------------------------------------------------------------------------------------------

    def _reply(self, message: dict[str, Any], op: str, outcome: Outcome) -> None:
        frame = encode(
            {
                **echoed(message, "reqId"),
                "retCode": outcome.code,
                "retMsg": outcome.message,
                "op": op,
                "data": outcome.result,
                "retExtInfo": outcome.ext,
                "header": outcome.headers | self._trace(),
                "connId": self.conn_id,
            }
        )
        fault = outcome.fault
        delivery, delay = self.floor.delivery, self.floor.config.ack_delay
        if fault is None or fault.kind in ("answer", "repeat_answer"):
            for _ in range(2 if fault is not None and fault.kind == "repeat_answer" else 1):
                delivery.send(self.channel, frame, delay)
        elif fault.kind == "late_answer":
            self.floor.late.hold(fault, lambda: delivery.send(self.channel, frame))

    def _trace(self) -> dict[str, str]:
        self._requests += 1
        return {"Traceid": f"{self.conn_id}-{self._requests:x}", "Timenow": str(self.floor.wall_ms())}
