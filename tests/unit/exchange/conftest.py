"""A small venue for the tests: REST and WebSockets on ephemeral ports, scripted by each test."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from websockets.asyncio.server import ServerConnection, serve

from tradectl.exchange.bybit.config import BybitConfig, Credentials, Environment, StaleLimits, TransportName
from tradectl.exchange.bybit.connector import BybitConnector
from tradectl.exchange.bybit.signing import Signer
from tradectl.model.money import use_exact_context

KEY = Credentials("aB3dE5fG7hJ9kL1mN2", "pQ4rS6tU8vW0xY2zA4bC6dE8fG0hJ2kL4mN6")
LINEAR = {
    "symbol": "BTCUSDT", "contractType": "LinearPerpetual", "status": "Trading", "baseCoin": "BTC",
    "quoteCoin": "USDT", "settleCoin": "USDT", "fundingInterval": 480,
    "leverageFilter": {"minLeverage": "1", "maxLeverage": "100.00", "leverageStep": "0.01"},
    "priceFilter": {"minPrice": "0.10", "maxPrice": "1999999.80", "tickSize": "0.10"},
    "lotSizeFilter": {"maxOrderQty": "1190.000", "minOrderQty": "0.001", "qtyStep": "0.001",
                      "maxMktOrderQty": "500.000", "minNotionalValue": "5"},
    "riskParameters": {"priceLimitRatioX": "0.01", "priceLimitRatioY": "0.02"},
}  # fmt: skip
Answer = dict[str, Any] | tuple[int, dict[str, Any]] | tuple[int, dict[str, Any], dict[str, str]]
Handler = Callable[[dict[str, str]], Answer]


class Http(BaseHTTPRequestHandler):
    """Answers from the venue's ``routes``; signatures are checked over the raw text."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one segment an answer: two would wait for a delayed acknowledgement
    venue: "FakeVenue"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self._answer(parts.path, parts.query, dict(parse_qsl(parts.query)))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        self._answer(self.path, body, json.loads(body or "{}"))

    def _answer(self, path: str, signed: str, parameters: dict[str, Any]) -> None:
        venue = self.venue
        venue.requests.append((path, parameters))
        status, code, message = 200, 0, "OK"
        result: dict[str, Any] = {}
        extra: dict[str, str] = {}
        if not path.startswith("/v5/market") and not self._is_signed(signed):
            code, message = 10004, "error sign!"
        elif path not in venue.routes:
            status, code, message = 404, 10017, "Route not found."
        else:
            answer = venue.routes[path](parameters)
            if isinstance(answer, tuple):
                code, result = answer[0], answer[1]
                extra = answer[2] if len(answer) == 3 else {}
                status, message = int(extra.pop(":status", "200")), extra.pop(":message", "refused")
            else:
                result = answer
        result = dict(result)
        payload = {"retCode": code, "retMsg": message, "retExtInfo": result.pop(":extra", {}), "result": result,
                   "time": venue.now_ms()}  # fmt: skip
        data = json.dumps(payload).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        for name, value in extra.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def _is_signed(self, payload: str) -> bool:
        header = self.headers
        expected = Signer(KEY).request(
            int(header.get("X-BAPI-TIMESTAMP", "0")), int(header.get("X-BAPI-RECV-WINDOW", "0")), payload
        )
        return header.get("X-BAPI-API-KEY") == KEY.key and header.get("X-BAPI-SIGN") == expected

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


class FakeVenue:
    """Scripted by ``routes`` (REST), ``on_order`` (trade socket) and :meth:`push`."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.messages: list[tuple[str, dict[str, Any]]] = []
        self.sockets: dict[str, list[ServerConnection]] = {}
        self.clock_shift_ms = 0
        self.ack = True
        self.refuse_auth = ""
        self.refuse_topic = ""
        self.on_order: Callable[[dict[str, Any]], dict[str, Any] | None] = self.accept
        self.routes: dict[str, Handler] = {
            "/v5/market/time": lambda p: {"timeSecond": "0", "timeNano": str(self.now_ms() * 1_000_000)},
            "/v5/market/instruments-info": lambda p: {"list": [LINEAR], "nextPageCursor": ""},
            "/v5/market/orderbook": lambda p: {"s": p["symbol"], "b": [], "a": [], "ts": self.now_ms(), "u": 1},
            "/v5/account/fee-rate": lambda p: {
                "list": [{"symbol": "BTCUSDT", "takerFeeRate": "0.00055", "makerFeeRate": "0.0002"}]
            },
            "/v5/user/query-api": lambda p: {
                "userID": 900100, "readOnly": 0, "deadlineDay": 88, "uta": 1, "ips": [],
                "permissions": {"ContractTrade": ["Order", "Position"], "Spot": ["SpotTrade"], "Wallet": []},
            },
            "/v5/account/info": lambda p: {"marginMode": "REGULAR_MARGIN", "unifiedMarginStatus": 5},
        }  # fmt: skip

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self.clock_shift_ms

    def accept(self, message: dict[str, Any]) -> dict[str, Any]:
        """The ack of a trade request, with the limit headers."""
        body = message["args"][0]
        return {
            "reqId": message["reqId"], "retCode": 0, "retMsg": "OK", "op": message["op"],
            "data": {"orderId": "oid-" + body.get("orderLinkId", ""), "orderLinkId": body.get("orderLinkId", "")},
            "retExtInfo": {}, "connId": "c1",
            "header": {"X-Bapi-Limit": "10", "X-Bapi-Limit-Status": "9", "Timenow": str(self.now_ms()),
                       "X-Bapi-Limit-Reset-Timestamp": str(self.now_ms())},
        }  # fmt: skip

    async def serve(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        path = connection.request.path
        self.sockets.setdefault(path, []).append(connection)
        async for text in connection:
            message = json.loads(text)
            self.messages.append((path, message))
            answer = self.reply(path, message)
            if answer is not None:
                await connection.send(json.dumps(answer))

    def reply(self, path: str, message: dict[str, Any]) -> dict[str, Any] | None:
        op = message["op"]
        if op == "ping":
            return {"op": "pong", "args": ["1"], "conn_id": "c", "req_id": message["req_id"]}
        if op.startswith("order."):
            return self.on_order(message)
        if not self.ack:
            return None
        if op == "auth":
            return self._auth(path, message)
        refused = op == "subscribe" and self.refuse_topic in message["args"]
        text = f"error:handler not found,topic:{self.refuse_topic}" if refused else ""
        return {"success": not refused, "ret_msg": text, "op": op, "conn_id": "c", "req_id": message["req_id"]}

    def _auth(self, path: str, message: dict[str, Any]) -> dict[str, Any]:
        key, expires, sign = message["args"]
        lead = expires - self.now_ms()
        good = [key, expires, sign] == Signer(KEY).socket_args(expires - 10_000) and 0 < lead <= 11_000
        if path.endswith("/trade"):
            code = 0 if good and not self.refuse_auth else 10004
            return {"reqId": message["reqId"], "retCode": code, "retMsg": self.refuse_auth, "op": "auth", "connId": "c"}
        return {"success": good and not self.refuse_auth, "ret_msg": self.refuse_auth, "op": "auth", "conn_id": "c"}

    async def push(self, path: str, message: dict[str, Any] | str | bytes) -> None:
        """Send on the newest socket of ``path``."""
        payload = json.dumps(message) if isinstance(message, dict) else message
        await self.sockets[path][-1].send(payload.decode() if isinstance(payload, bytes) else payload)

    async def cut(self, path: str) -> None:
        """Tear the newest socket of ``path`` without a close frame."""
        self.sockets[path][-1].transport.abort()

    def sent(self, path: str, op: str) -> list[dict[str, Any]]:
        return [m for p, m in self.messages if p == path and m["op"] == op]

    def called(self, path: str) -> list[dict[str, Any]]:
        return [parameters for p, parameters in self.requests if p == path]


async def until(condition: Callable[[], Any], seconds: float = 5.0) -> None:
    """Wait until ``condition()`` holds; fails the test after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not reached within {seconds} s"
        await asyncio.sleep(0.005)


class Rig:
    """A connector against the fake venue, and everything it said."""

    def __init__(self, venue: FakeVenue, rest: str, streams: str) -> None:
        self.venue = venue
        self._rest, self._streams = rest, streams
        self.events: list[Any] = []
        self.idles = 0
        self.connector: BybitConnector

    def build(
        self, *, credentials: Credentials | None = KEY, stamp: Callable[[int], int] | None = None, **changes: Any
    ) -> BybitConnector:
        settings: dict[str, Any] = {
            "environment": Environment.MAINNET,
            "rest_base": self._rest,
            "ws_base": self._streams,
            "reconnect_first": 0.01,
            "stale": StaleLimits(0, 0, 0, 0, 0),
            "rest_pool": 2,
            "rest_timeout": 3.0,
            "bar_margin": 0.0,
        }
        config = BybitConfig(**{**settings, **changes})
        self.connector = BybitConnector(
            config,
            credentials,
            self.events.append,
            stamp or (lambda ts: time.time_ns()),
            random=lambda: 0.0,
            on_idle=self._idle,
        )
        return self.connector

    def _idle(self) -> None:
        self.idles += 1

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if type(event) is kind]


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    """A fresh venue; the connector a test builds is closed after it."""
    use_exact_context()
    venue = FakeVenue()
    http = ThreadingHTTPServer(("127.0.0.1", 0), type("BoundHttp", (Http,), {"venue": venue}))
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    async with serve(venue.serve, "127.0.0.1", 0, ping_interval=None, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        made = Rig(venue, f"http://127.0.0.1:{http.server_address[1]}", f"ws://127.0.0.1:{port}")
        yield made
        if hasattr(made, "connector"):
            await made.connector.close()
        for connections in venue.sockets.values():
            for connection in connections:
                connection.transport.abort()
    http.shutdown()
    http.server_close()
    thread.join()


@pytest.fixture(params=list(TransportName), ids=lambda name: name.value)
def transport(request: pytest.FixtureRequest) -> TransportName:
    """Both WebSocket libraries."""
    return TransportName(request.param)


@pytest.fixture
def wait_until() -> Callable[..., Any]:
    return until
