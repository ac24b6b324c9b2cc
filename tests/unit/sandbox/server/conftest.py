"""A server over a scripted venue (the real matching engine, a market of counted steps), and small honest clients."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest
import websockets

from tradectl.matching.exchange import Exchange
from tradectl.matching.records import FillHappened, LedgerHappened, OrderHappened, Refused
from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.model.money import use_exact_context
from tradectl.model.orders import Side
from tradectl.sandbox.account_changes import AccountChanges
from tradectl.sandbox.config import SandboxAccount, SandboxConfig
from tradectl.sandbox.faults import Faults
from tradectl.sandbox.memory.order_kinds import is_wanted
from tradectl.sandbox.server.server import SandboxServer
from tradectl.sandbox.venue import Frame, Step

D = Decimal
KEY, SECRET, UID = "key-1", "secret-1", "900100"
START = 1_750_000_000_000_000_000
MINUTE = 60_000_000_000


def instrument(category: str, base: str = "BTC") -> Instrument:
    return Instrument(
        id=InstrumentId(Category(category), f"{base}USDT"),
        base_coin=base,
        quote_coin="USDT",
        settle_coin="USDT" if category == "linear" else "",
        tick_size=D("0.1"),
        lot_size=D("0.001"),
        min_qty=D("0.001"),
        max_limit_qty=D(1000),
        max_market_qty=D(500),
        min_notional=D(5),
        max_leverage=D(100),
        funding_interval=480 if category == "linear" else 0,
    )


class ScriptedVenue(AccountChanges):
    """Each step is a minute: the price moves one tick, then kline and ticker frames of what is watched."""

    def __init__(self, config: Any, *, wall: Callable[[], int] = time.time_ns, steps: int = 50) -> None:
        self.config = config
        self.instance = "scripted"
        self.steps = steps
        self.opened()

    def opened(self) -> None:
        self.instruments = [instrument("linear"), instrument("spot"), instrument("linear", "ETH")]
        self.exchange = Exchange(self.instruments, seed="test")
        self.time = START
        self.taken = 0
        self.watched: dict[str, int] = {}
        self.closed: list[Any] = []
        self.fills: list[Any] = []
        self.entries: list[Any] = []
        for each in self.instruments:
            self.exchange.set_mark(each.id, D(100), D(100), self.time)
            self.exchange.set_last(each.id, D(100), self.time)
            self.exchange.set_book(each.id, [(D("99.9"), D(50))], [(D("100.1"), D(50))], self.time)

    def close(self) -> None: ...

    def reset(self) -> None:
        self.instance += "-again"
        self.opened()

    def now(self) -> int:
        return self.time

    def watch(self, topic: str) -> None:
        category, _, rest = topic.partition("/")
        known = rest.split(".")[0] in ("kline", "tickers", "orderbook", "publicTrade")
        if not known or not any(i.id.category == category and rest.endswith(i.id.symbol) for i in self.instruments):
            raise Refused(10001, "unknown topic")
        self.watched[topic] = self.watched.get(topic, 0) + 1

    def unwatch(self, topic: str) -> None:
        self.watched[topic] -= 1

    def snapshot(self, topic: str) -> dict[str, Any] | None:
        return {"topic": topic.partition("/")[2], "type": "snapshot"} if "/tickers." in topic else None

    def step(self, until: int = 0) -> Step:
        if self.taken >= self.steps:
            return Step([], [], True)
        if self.time < until < self.time + MINUTE:
            self.time = until
            return Step([], [], False, until)
        self.taken += 1
        self.time += MINUTE - self.time % MINUTE
        happenings: list[Any] = []
        price = D(100) + D(self.taken % 5) / 10
        for each in self.instruments:
            happenings += self.exchange.set_book(
                each.id, [(price - D("0.1"), D(50))], [(price + D("0.1"), D(50))], self.time
            )
        frames = [
            Frame(topic, {"topic": topic.partition("/")[2], "type": "delta", "n": self.taken})
            for topic, count in self.watched.items()
            if count
        ]
        self._keep(happenings)
        return Step(frames, happenings, self.taken == self.steps)

    def print(self, instrument: InstrumentId, price: str) -> list[Any]:
        """A trade and a book around it: what fires is kept like the rest."""
        at = D(price)
        self.exchange.set_mark(instrument, at, at, self.time)
        book = [(at - D("0.1"), D(50))], [(at + D("0.1"), D(50))]
        happenings = self.exchange.set_book(instrument, *book, self.time)
        return self._keep(happenings + self.exchange.print_trade(instrument, Side.BUY, at, D("0.001"), self.time))

    async def run(self, on_step: Callable[[Step], None]) -> None:
        await asyncio.Event().wait()

    def market(self, path: str, params: dict[str, str]) -> dict[str, Any]:
        if path != "tickers":
            raise KeyError(path)
        if not params.get("category"):
            raise Refused(10001, "params error: category is required")
        return {"category": params["category"], "list": []}

    def _keep(self, happenings: list[Any]) -> list[Any]:
        for happening in happenings:
            match happening:
                case OrderHappened(order) if order.status.is_final:
                    self.closed.insert(0, order)
                case FillHappened(fill):
                    self.fills.insert(0, fill)
                case LedgerHappened(entry):
                    self.entries.insert(0, entry)
        return happenings

    def _request(self, change: Any) -> Any:
        result, happenings = change(self.time)
        return result, self._keep(happenings)

    @staticmethod
    def _paged(rows: list[Any], limit: int, cursor: str) -> tuple[list[Any], str]:
        start = int(cursor.removeprefix("page=") or 0) if cursor else 0
        following = f"page%3D{start + limit}" if len(rows) > start + limit else ""
        return rows[start : start + limit], following

    def orders_open(
        self,
        uid: str,
        category: str,
        *,
        order_id: str,
        link_id: str,
        order_filter: str,
        limit: int,
        cursor: str,
        **_: Any,
    ) -> Any:
        rows = [o for o in reversed(self.exchange.open_orders(uid)) if o.instrument.category == category]
        rows = [o for o in rows if is_wanted(o, order_filter)]
        if order_id or link_id:
            rows = [o for o in rows + self.closed if order_id == o.order_id or link_id == o.link_id]
        return self._paged(rows, limit, cursor)

    def orders_history(
        self,
        uid: str,
        category: str,
        *,
        order_id: str,
        link_id: str,
        order_filter: str,
        limit: int,
        cursor: str,
        **_: Any,
    ) -> Any:
        rows = [o for o in self.closed if o.instrument.category == category and is_wanted(o, order_filter)]
        if order_id or link_id:
            rows = [o for o in rows if order_id == o.order_id or link_id == o.link_id]
        return self._paged(rows, limit, cursor)

    def executions(self, uid: str, category: str, *, limit: int, cursor: str, **_: Any) -> Any:
        return self._paged([f for f in self.fills if f.instrument.category == category], limit, cursor)

    def ledger(self, uid: str, *, limit: int, cursor: str, **_: Any) -> Any:
        return self._paged(self.entries, limit, cursor)

    def closed_pnl(self, uid: str, category: str, *, limit: int, cursor: str, **_: Any) -> Any:
        return self._paged([], limit, cursor)


class Answer(msgspec.Struct):
    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.raw)

    @property
    def code(self) -> int:
        return int(self.json["retCode"])

    @property
    def result(self) -> dict[str, Any]:
        return self.json["result"]


class Client:
    """Raw HTTP over one connection per request, and WebSockets, signed with one key."""

    def __init__(self, server: SandboxServer, key: str = KEY, secret: str = SECRET) -> None:
        self.server = server
        self.key, self.secret = key, secret

    def sign(self, text: str) -> str:
        return hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).hexdigest()

    async def raw(self, data: bytes, *, half: bool = False) -> bytes:
        """Send bytes and read until the server closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        writer.write(data)
        if half:
            writer.write_eof()
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        return answer

    async def http(self, method: str, target: str, body: str = "", headers: dict[str, str] | None = None) -> Answer:
        lines = [f"{method} {target} HTTP/1.1", "Host: x", "Connection: close", f"Content-Length: {len(body.encode())}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        head, _, raw = (await self.raw("\r\n".join([*lines, "", body]).encode())).partition(b"\r\n\r\n")
        status, *rest = head.decode().split("\r\n")
        found = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest)}
        return Answer(int(status.split()[1]), found, raw)

    def headers(self, text: str, stamp: int | None = None, window: str = "5000") -> dict[str, str]:
        stamp_text = str(stamp if stamp is not None else time.time_ns() // 1_000_000)
        return {
            "X-BAPI-API-KEY": self.key,
            "X-BAPI-TIMESTAMP": stamp_text,
            "X-BAPI-RECV-WINDOW": window,
            "X-BAPI-SIGN": self.sign(stamp_text + self.key + window + text),
        }

    async def get(self, path: str, query: str = "") -> Answer:
        return await self.http("GET", f"/v5/{path}" + (f"?{query}" if query else ""), "", self.headers(query))

    async def post(self, path: str, **body: Any) -> Answer:
        text = json.dumps(body)
        return await self.http("POST", f"/v5/{path}", text, self.headers(text))

    async def order(self, **fields: Any) -> Answer:
        return await self.post("order/create", **ORDER | fields)

    async def socket(self, path: str) -> "Socket":
        return Socket(await websockets.connect(f"ws://127.0.0.1:{self.server.port}{path}", open_timeout=5), self)


class Socket:
    """A WebSocket that speaks JSON and counts what it received."""

    def __init__(self, connection: Any, client: Client) -> None:
        self.connection = connection
        self.client = client
        self.received = 0
        self.port = connection.local_address[1]

    async def send(self, message: dict[str, Any] | str) -> None:
        await self.connection.send(message if isinstance(message, str) else json.dumps(message))

    async def next(self, seconds: float = 5) -> dict[str, Any]:
        raw = await asyncio.wait_for(self.connection.recv(), seconds)
        self.received += 1
        return json.loads(raw)

    async def ask(self, message: dict[str, Any] | str) -> dict[str, Any]:
        await self.send(message)
        return await self.next()

    async def auth(self) -> dict[str, Any]:
        expires = time.time_ns() // 1_000_000 + 5000
        return await self.ask(
            {"op": "auth", "args": [self.client.key, expires, self.client.sign(f"GET/realtime{expires}")]}
        )

    async def trade(self, op: str, req_id: str, **body: Any) -> dict[str, Any]:
        return await self.ask(self.trade_message(op, req_id, **body))

    @staticmethod
    def trade_message(op: str, req_id: str, **body: Any) -> dict[str, Any]:
        header = {"X-BAPI-TIMESTAMP": str(time.time_ns() // 1_000_000), "X-BAPI-RECV-WINDOW": "5000"}
        return {"reqId": req_id, "header": header, "op": op, "args": [body]}

    async def close(self) -> None:
        await self.connection.close()


ORDER: dict[str, Any] = {
    "category": "linear",
    "symbol": "BTCUSDT",
    "side": "Buy",
    "orderType": "Limit",
    "qty": "0.100",
    "price": "99.0",
    "timeInForce": "GTC",
}


@pytest.fixture(autouse=True)
def exact_context() -> None:
    use_exact_context()


@pytest.fixture
def order() -> dict[str, Any]:
    """The fields of a small resting limit order."""
    return dict(ORDER)


@pytest.fixture
def config() -> SandboxConfig:
    accounts = (SandboxAccount(KEY, SECRET, UID), SandboxAccount("reader", "reader-secret", "900101", read_only=True))
    return SandboxConfig(accounts=accounts, ack_delay_ms=0, fund={"USDT": D(100_000), "BTC": D(1)})


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Any]]:
    """Start servers; each is stopped at the end."""
    servers: list[SandboxServer] = []

    async def start(config: SandboxConfig, faults: Faults | None = None, **options: Any) -> Client:
        steps = options.pop("steps", 50)
        server = SandboxServer(
            config, faults, open_venue=lambda c, wall: ScriptedVenue(c, wall=wall, steps=steps), **options
        )
        await server.start()
        servers.append(server)
        return Client(server)

    yield start
    for server in servers:
        await server.stop()


@pytest.fixture
async def client(serve: Callable[..., Any], config: SandboxConfig) -> Client:
    return await serve(config)


@pytest.fixture
def reader(client: Client) -> Client:
    """The same server with a read-only key."""
    return Client(client.server, "reader", "reader-secret")


@pytest.fixture
def until() -> Callable[..., Any]:
    """Wait, with a bound, for something another connection brings about."""

    async def wait(condition: Callable[[], Any], seconds: float = 10) -> Any:
        async with asyncio.timeout(seconds):
            while not (found := condition()):  # noqa: ASYNC110 - what is waited for has no event of its own
                await asyncio.sleep(0.001)
            return found

    return wait
