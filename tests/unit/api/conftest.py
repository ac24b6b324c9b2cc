"""A fake daemon and store behind real sockets, and the gateway in front of them."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp, Message

from tradectl.api.app import create_app
from tradectl.api.config import ApiConfig
from tradectl.model.commands import Level
from tradectl.model.errors import Problem
from tradectl.model.instruments import Category
from tradectl.model.money import use_exact_context
from tradectl.model.orders import OrderStatus, OrderType, Side, TimeInForce
from tradectl.rpc import methods, rows
from tradectl.rpc.methods import Delta
from tradectl.rpc.server import Feed, Handler, Peer, RpcServer

TOKEN = "t" * 43
AUTH = {"Authorization": f"Bearer {TOKEN}"}
T0 = 1_748_736_000_000_000_000  # 2025-06-01T00:00:00Z


def D(text: str) -> Decimal:
    return Decimal(text)


def instrument(symbol: str = "BTCUSDT", category: Category = Category.LINEAR) -> rows.InstrumentRow:
    return rows.InstrumentRow(
        category=category, symbol=symbol, base_coin="BTC", quote_coin="USDT", settle_coin="USDT",
        tick_size=D("0.1"), lot_size=D("0.001"), min_qty=D("0.002"), max_limit_qty=D("100"), max_market_qty=D("50"),
        min_notional=D("5"), max_leverage=D("100"), funding_interval=480, status="Trading",
    )  # fmt: skip


def order(number: int = 1, status: OrderStatus = OrderStatus.NEW, **changes: Any) -> rows.OrderRow:
    fields: dict[str, Any] = {
        "id": f"t00000000-001-{number:010d}", "link_id": f"t00000000-001-{number:010d}", "order_id": f"venue-{number}",
        "strategy": "ema", "category": Category.LINEAR, "symbol": "BTCUSDT", "side": Side.BUY, "type": OrderType.LIMIT,
        "time_in_force": TimeInForce.POST_ONLY, "qty": D("0.100"), "price": D("50000.0"), "status": status,
        "filled": D("0"), "avg_price": None, "reduce_only": False, "created": T0 + number, "at": T0 + number,
    }  # fmt: skip
    return rows.OrderRow(**{**fields, **changes})


def position(symbol: str = "BTCUSDT", size: str = "0.1", strategy: str = "", **changes: Any) -> rows.PositionRow:
    fields: dict[str, Any] = {
        "strategy": strategy, "category": Category.LINEAR, "symbol": symbol, "size": D(size),
        "entry_price": D("50000"), "mark_price": D("51000"), "unrealised": D("100.0"), "realised": D("0"),
        "fees": D("0"), "funding": D("0"), "cost": D("5000"), "at": T0,
    }  # fmt: skip
    return rows.PositionRow(**{**fields, **changes})


def trade(number: int = 1) -> rows.TradeRow:
    return rows.TradeRow(
        id=f"exec-{number}", at=T0 + 123_456_789, category=Category.LINEAR, symbol="BTCUSDT", strategy="ema",
        side=Side.SELL, type="Trade", price=D("50000.1"), qty=D("0.001"), value=D("50.0001"), fee=D("0.00000001"),
        fee_coin="USDT", maker=True, realised=D("-0.12345678"), position=D("0"), link_id="", order_id="venue-1",
    )  # fmt: skip


class FakeDaemon:
    """Answers as a daemon would; tests change its attributes and publish deltas."""

    def __init__(self) -> None:
        self.feed = Feed()
        self.seq = 41
        self.orders = [order(1), order(2, OrderStatus.FILLED)]
        self.positions = [position(), position(strategy="ema"), position("ETHUSDT", "0")]
        self.balances = [
            rows.BalanceRow("BTC", D("0.10"), D("0.05"), D("0.15")),
            rows.BalanceRow("USDT", D("1000"), D("500"), D("1500")),
        ]
        self.tickers = [
            rows.TickerRow(
                Category.LINEAR, "BTCUSDT", T0 - 1, D("50999.9"), D("50999.8"), D("51000"), D("51000"), None,
                D("0.0000125"), T0,
            ),
        ]  # fmt: skip
        self.instruments: list[rows.InstrumentRow] = [instrument(), instrument("DOGEUSDT", Category.SPOT)]
        self.calls: list[tuple[str, Any]] = []
        self.subscribed = 0
        self.failure: Problem | None = None
        self.placed_status = OrderStatus.NEW
        self.hang = asyncio.Event()
        self.hang.set()

    def subscribe(self, _: Any, peer: Peer) -> methods.Snapshot:
        self.feed.add(peer)
        self.subscribed += 1
        return methods.Snapshot(
            seq=self.seq, at=T0, mode="sandbox", profile="default", run="00000000", state=Level.REDUCING,
            reasons=(rows.ReasonRow("stale", Level.REDUCING, "auto", "book is stale", T0),),
            orders=tuple(self.orders), positions=tuple(self.positions), balances=tuple(self.balances), equity=(),
            strategies=(), tickers=tuple(self.tickers),
        )  # fmt: skip

    def publish(self, **changes: Any) -> None:
        self.seq += 1
        self.feed.publish(Delta(seq=self.seq, at=T0 + self.seq, **changes))

    async def status(self, _: Any, __: Peer) -> methods.Status:
        await self.hang.wait()
        return methods.Status(
            mode="sandbox", profile="default", life=methods.Life.UP, state=Level.RUNNING, reasons=(), started=T0,
            now=T0, run="00000000", version="0", pid=1, exchange=methods.ExchangeStatus("", "", ()), strategies=(),
            limits=(), equity=None, journal=methods.JournalStatus("", 0, 0, 0), children=(), alerts=(),
        )  # fmt: skip

    def list_instruments(self, _: Any, __: Peer) -> methods.InstrumentList:
        return methods.InstrumentList(tuple(self.instruments))

    def place(self, params: Any, _: Peer) -> methods.Placed:
        self.calls.append(("place", params))
        if self.failure is not None:
            raise self.failure
        placed = None if params.dry_run else order(9, self.placed_status, reason="price outside the band")
        return methods.Placed(
            dry_run=params.dry_run, category=params.category, symbol=params.symbol, qty=D(params.size),
            price=params.price, notional=D("5000.00"), fee=D("2.75"), margin_after=None,
            checks=(rows.CheckRow("price_band", False, "5 %", "9 %", "price outside the band"),), order=placed,
        )  # fmt: skip

    def cancel(self, params: Any, _: Peer) -> methods.Done:
        self.calls.append(("cancel", params))
        if self.failure is not None:
            raise self.failure
        return methods.Done("cancel sent", (params.id,))

    def handlers(self) -> dict[str, Handler]:
        return {
            method.name: Handler.of(method, call)
            for method, call in (
                (methods.EVENTS_SUBSCRIBE, self.subscribe),
                (methods.STATUS, self.status),
                (methods.INSTRUMENTS_LIST, self.list_instruments),
                (methods.ORDERS_PLACE, self.place),
                (methods.ORDERS_CANCEL, self.cancel),
            )
        }


class FakeStore:
    """History with a fixed answer; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def trades(self, params: Any, _: Peer) -> methods.TradeList:
        self.asked.append(params)
        return methods.TradeList((trade(),), 40, "next-1")

    def history(self, params: Any, _: Peer) -> methods.OrderList:
        self.asked.append(params)
        return methods.OrderList((order(2, OrderStatus.FILLED),), 40)

    def status(self, _: Any, __: Peer) -> methods.StoreStatus:
        return methods.StoreStatus("sqlite", "00000000", 40, 0, {}, T0)

    def handlers(self) -> dict[str, Handler]:
        return {
            methods.TRADES_LIST.name: Handler.of(methods.TRADES_LIST, self.trades),
            methods.ORDERS_HISTORY.name: Handler.of(methods.ORDERS_HISTORY, self.history),
            methods.STORE_STATUS.name: Handler.of(methods.STORE_STATUS, self.status),
        }


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Wait until ``condition`` holds, and fail when it does not in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition did not come true in time"
        await asyncio.sleep(0.005)


@asynccontextmanager
async def running(app: ASGIApp) -> AsyncIterator[None]:
    """The application between its lifespan's start and its end."""
    to_app: asyncio.Queue[Message] = asyncio.Queue()
    from_app: asyncio.Queue[Message] = asyncio.Queue()
    task = asyncio.ensure_future(app({"type": "lifespan"}, to_app.get, from_app.put))
    await to_app.put({"type": "lifespan.startup"})
    assert (await from_app.get())["type"] == "lifespan.startup.complete"
    try:
        yield
    finally:
        await to_app.put({"type": "lifespan.shutdown"})
        await task


class Rig:
    """Fake daemon, fake store and a client of the gateway between them."""

    def __init__(self, directory: Path, config: ApiConfig) -> None:
        self.daemon, self.store = FakeDaemon(), FakeStore()
        self.daemon_socket, self.store_socket = directory / "daemon.sock", directory / "store.sock"
        self.servers: dict[str, RpcServer] = {}
        self.app = create_app(
            config, TOKEN, daemon_socket=self.daemon_socket, store_socket=self.store_socket, ping_every=0.05
        )
        # an error in the program must arrive as a 500, not as an exception of the test
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=AUTH)

    async def start_daemon(self) -> None:
        self.servers["daemon"] = RpcServer(self.daemon_socket, self.daemon.handlers())
        await self.servers["daemon"].start()

    async def start_store(self) -> None:
        self.servers["store"] = RpcServer(self.store_socket, self.store.handlers())
        await self.servers["store"].start()

    async def stop(self, name: str) -> None:
        await self.servers.pop(name).close()

    async def healthy(self) -> bool:
        return (await self.http.get("/api/health")).status_code == 200

    async def wait(self, condition: Callable[[Any], bool], path: str = "/api/health", seconds: float = 10) -> Any:
        """Ask ``path`` until its answer fulfils ``condition``."""
        end = time.monotonic() + seconds
        while True:
            answer = await self.http.get(path)
            if condition(answer):
                return answer
            assert time.monotonic() < end, f"last answer: {answer.status_code} {answer.text}"
            await asyncio.sleep(0.01)

    async def ready(self) -> None:
        await self.wait(lambda answer: answer.status_code == 200)


@pytest.fixture(autouse=True)
def exact_context() -> None:
    use_exact_context()


@pytest.fixture
def api_config() -> ApiConfig:
    """Overridden by tests that need other limits."""
    return ApiConfig(commands_per_second=1000, command_burst=1000)


@pytest.fixture
async def rig(tmp_path: Path, api_config: ApiConfig) -> AsyncIterator[Rig]:
    """Everything up and connected."""
    directory = tmp_path / "run"
    made = Rig(directory, api_config)
    await made.start_daemon()
    await made.start_store()
    async with running(made.app), made.http:
        await made.ready()
        yield made
    for name in list(made.servers):
        await made.stop(name)


@pytest.fixture
def make_order() -> Callable[..., rows.OrderRow]:
    return order
