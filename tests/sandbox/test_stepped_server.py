"""The whole sandbox in lock-step over a candle file: each candle once, and a ledger that adds up to the last digit."""

import asyncio
import gzip
import hashlib
import hmac
import json
import os
import random
import time
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import websockets

from tests.oracles import ledger_checker
from tests.sandbox.venue_client import VenueClient
from tradectl.model.money import use_exact_context
from tradectl.sandbox.config import SandboxAccount, SandboxConfig
from tradectl.sandbox.server.server import SandboxServer

BARS = 1_000
START_MS = 1_748_736_000_000
KEY, SECRET, UID = "k", "s", "900100"
TOPICS = ["kline.1.BTCUSDT", "tickers.BTCUSDT", "orderbook.1.BTCUSDT"]


def generated(path: Path) -> Path:
    """Candles of a random walk, the twin of the real file."""
    rng, price = random.Random(5), 1_050_000
    rows = ["timestamp,open,high,low,close,volume"]
    for n in range(BARS):
        close = price + rng.randint(-400, 400)
        high, low = max(price, close) + rng.randint(0, 200), min(price, close) - rng.randint(0, 200)
        volume = rng.randint(1, 90_000)
        prices = ",".join(f"{value // 10}.{value % 10}" for value in (price, high, low, close))
        rows.append(f"{START_MS + n * 60_000},{prices},{volume / 1000:.3f}")
        price = close
    path.write_text("\n".join(rows) + "\n")
    return path


def real(path: Path) -> Path:
    """The beginning of June 2025."""
    directory = os.environ.get("TRADECTL_TEST_DATA")
    source = Path(directory or ".") / "candles" / "bybit_linear_BTCUSDT_1m_2025-06.csv.gz"
    if not directory or not source.exists():
        pytest.skip("TRADECTL_TEST_DATA does not hold the candles; the generated twin runs")
    with gzip.open(source, "rt") as lines:
        path.write_text("".join(line for _, line in zip(range(BARS + 1), lines, strict=False)))
    return path


@pytest.fixture(params=[generated, real])
def candles(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return request.param(tmp_path / "candles.csv")


@pytest.fixture(autouse=True)
def exact_context() -> None:
    use_exact_context()


class Trader:
    """A lock-step client: buys and sells on every tenth candle, reports after every frame."""

    def __init__(self, port: int) -> None:
        self.base = f"ws://127.0.0.1:{port}"
        self.seen: dict[int, int] = {}
        self.outstanding = 0
        self.bars: list[int] = []
        self.executions: list[dict[str, Any]] = []
        self.log = hashlib.sha256()

    async def run(self) -> None:
        self.control = await websockets.connect(f"{self.base}/sandbox/control")
        await self.control.send('{"op": "attach"}')
        expires = time.time_ns() // 1_000_000 + 9_000
        sign = hmac.new(SECRET.encode(), f"GET/realtime{expires}".encode(), hashlib.sha256).hexdigest()
        auth = {"op": "auth", "args": [KEY, expires, sign]}
        private = {"op": "subscribe", "args": ["order", "execution", "position", "wallet"]}
        public = {"op": "subscribe", "args": TOPICS}
        plans = (("public/linear", [public]), ("private", [auth, private]), ("trade", [auth]))
        sockets = [await self.open(path, messages) for path, messages in plans]
        self.trade = sockets[2]
        async with asyncio.TaskGroup() as group:
            readers = [group.create_task(self.read(socket)) for socket in sockets]
            await self.report()
            async for message in self.control:
                if json.loads(message)["op"] == "end":
                    break
            for reader in readers:
                reader.cancel()

    async def open(self, path: str, messages: list[dict[str, Any]]) -> Any:
        socket = await websockets.connect(f"{self.base}/v5/{path}", max_size=None)
        self.seen[socket.local_address[1]] = 0
        for message in messages:
            await socket.send(json.dumps(message))
        return socket

    async def read(self, socket: Any) -> None:
        async for raw in socket:
            self.seen[socket.local_address[1]] += 1
            await self.handle(json.loads(raw))
            await self.report()

    async def handle(self, message: dict[str, Any]) -> None:
        if message.get("op") == "order.create":
            assert message["retCode"] == 0, message
            self.outstanding -= 1
            return
        topic = message.get("topic", "")
        self.log.update(f"{topic} {message.get('type')} {len(message.get('data', ''))}".encode())
        if topic.startswith("kline"):
            assert message["data"][0]["confirm"]
            self.bars.append(message["data"][0]["start"])
            if len(self.bars) % 10 == 0:
                await self.order(len(self.bars) // 10)
        elif topic == "execution":
            self.executions += message["data"]

    async def order(self, n: int) -> None:
        self.outstanding += 1
        body = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy" if n % 3 else "Sell", "orderType": "Market",
                "qty": "0.013" if n % 3 else "0.029", "orderLinkId": f"n-{n}"}  # fmt: skip
        header = {"X-BAPI-TIMESTAMP": str(time.time_ns() // 1_000_000)}
        await self.trade.send(json.dumps({"reqId": f"{n}", "header": header, "op": "order.create", "args": [body]}))

    async def report(self) -> None:
        seen = {str(port): count for port, count in self.seen.items()}
        report = {"op": "seen", "frames": seen, "outstanding": self.outstanding, "ready": True}
        await self.control.send(json.dumps(report))


async def replay(candles: Path, state: Path) -> tuple[Trader, dict[str, Any], list[dict[str, Any]]]:
    """Run to the end; returns the client, the wallet and every execution the sandbox reports over REST."""
    state.mkdir()
    account = SandboxAccount(KEY, SECRET, UID)
    config = SandboxConfig(
        accounts=(account,), data=str(candles), stepped=True, state=str(state), fund={"USDT": Decimal(100_000)}
    )
    server = SandboxServer(config)
    await server.start()
    try:
        trader = Trader(server.port)
        await asyncio.wait_for(trader.run(), 60)
        client = VenueClient(f"http://127.0.0.1:{server.port}", KEY, SECRET)
        wallet = await asyncio.to_thread(client.get, "/v5/account/wallet-balance", accountType="UNIFIED")
        end = server.venue.now() // 1_000_000
        rows = await asyncio.to_thread(
            client.rows, "/v5/execution/list", trader.bars[0], end, 100, category="linear", symbol="BTCUSDT"
        )
        return trader, wallet["list"][0]["coin"][0], [row | {"category": "linear"} for row in rows]
    finally:
        await server.stop()


async def test_each_candle_once_and_money_adds_up(candles: Path, tmp_path: Path) -> None:
    trader, usdt, rows = await replay(candles, tmp_path / "one")
    opened = [int(line.split(",")[0]) for line in candles.read_text().splitlines()[1:]]
    assert trader.bars == opened
    assert len({row["execId"] for row in rows}) == len(rows)
    assert {row["execId"] for row in rows} == {row["execId"] for row in trader.executions}
    assert ledger_checker.problems(rows) == []
    coins = {("linear", "BTCUSDT"): {"base": "BTC", "quote": "USDT", "settle": "USDT"}}
    books = ledger_checker.recompute(rows, [{"coin": "USDT", "amount": "100000"}], coins)
    assert Fraction(usdt["walletBalance"]) == books.cash["USDT"]
    again, _, _ = await replay(candles, tmp_path / "two")
    assert again.log.hexdigest() == trader.log.hexdigest()
