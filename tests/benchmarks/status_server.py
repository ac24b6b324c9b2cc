"""A daemon's socket with canned answers, and a bare echo beside it, in a process of its own.

``python -m tests.benchmarks.status_server STATE``: the real RPC server on ``STATE/run/daemon.sock``, the floor on
``STATE/run/echo.sock``; both on the loop the daemon uses. It ends with its standard input.
"""

import asyncio
import sys
from decimal import Decimal
from typing import Any

import uvloop

from tradectl.model.commands import Level, StrategyStatus
from tradectl.model.instruments import Category
from tradectl.model.money import use_exact_context
from tradectl.paths import Paths
from tradectl.rpc import methods as m
from tradectl.rpc import rows
from tradectl.rpc.server import Handler, RpcServer

_AT = 1_750_000_000_123_000_000


def _strategy(name: str) -> rows.StrategyRow:
    return rows.StrategyRow(
        name, "ema_cross", StrategyStatus.ACTIVE, ("BTCUSDT",), Decimal(10_000), Decimal("12.5"), Decimal("12.5"),
        Decimal(-1), Decimal("0.3"), 1, 1, 3, parameters={"fast": 10, "slow": 30},
    )  # fmt: skip


def status() -> m.Status:
    """A daemon with three strategies that is doing well."""
    streams = tuple(m.StreamStatus(name, True, _AT) for name in ("private", "trade", "public.linear"))
    limits = tuple(
        rows.LimitRow(name, Decimal("0.02"), "of equity", None) for name in ("order", "position", "gross", "day loss")
    )
    return m.Status(
        "sandbox", "default", m.Life.UP, Level.RUNNING, (), _AT, _AT + 3_723_000_000_000, "run00001", "0.1.0", 4711,
        m.ExchangeStatus("sandbox", "900100", streams, 2_000_000), tuple(map(_strategy, ("one", "two", "three"))),
        limits, m.EquityStatus("USDT", Decimal("100012.5"), Decimal(100_000), Decimal("12.5"), Decimal(-3)),
        m.JournalStatus("/x", 1234, 1230, 3_400_000),
        (m.ChildStatus("sandbox", "up", 4), m.ChildStatus("store", "up", 5), m.ChildStatus("api", "up", 6)), (),
    )  # fmt: skip


def _instrument(symbol: str) -> rows.InstrumentRow:
    return rows.InstrumentRow(
        Category.LINEAR, symbol, symbol.removesuffix("USDT"), "USDT", "USDT", Decimal("0.10"), Decimal("0.001"),
        Decimal("0.001"), Decimal(1190), Decimal(500), Decimal(5), Decimal(100), 480, "Trading", Decimal("0.0002"),
        Decimal("0.00055"),
    )  # fmt: skip


ANSWERS: dict[str, Any] = {
    "status": status(),
    "orders.list": m.OrderList((), 1234),
    "instruments.list": m.InstrumentList(tuple(map(_instrument, ("BTCUSDT", "ETHUSDT", "SOLUSDT")))),
    "reconcile": m.Done("reconciliation asked for"),
}


class Echo(asyncio.Protocol):
    """What came goes back."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(data)


async def serve(state: str) -> None:
    """Serve until standard input ends."""
    paths = Paths(state)
    handlers = {
        name: Handler.of(m.DAEMON_METHODS[name], lambda params, peer, a=answer: a) for name, answer in ANSWERS.items()
    }
    loop = asyncio.get_running_loop()
    async with RpcServer(paths.daemon_socket, handlers, about={"mode": "sandbox", "profile": "default"}):
        floor = await loop.create_unix_server(Echo, f"{paths.run}/echo.sock")
        print("ready", flush=True)
        await loop.run_in_executor(None, sys.stdin.read)
        floor.close()


if __name__ == "__main__":
    use_exact_context()
    uvloop.run(serve(sys.argv[1]))
