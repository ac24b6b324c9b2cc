"""A fake daemon and store: the real RPC server with canned typed answers, on the sockets of a state directory."""

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tradectl.model.commands import AlertLevel, AlgorithmStatus, Level, StrategyStatus
from tradectl.model.instruments import Category
from tradectl.model.orders import OrderStatus, OrderType, Side, TimeInForce
from tradectl.paths import Paths
from tradectl.rpc import methods as m
from tradectl.rpc import rows
from tradectl.rpc.params import Params
from tradectl.rpc.results import UniverseInfo
from tradectl.rpc.server import Handler, Peer, RpcServer

D = Decimal
AT = 1_750_000_000_123_000_000
LONG = D("50000.123456789012")

ORDER = rows.OrderRow(
    "tRUN-001-0000000001",
    "tRUN-001-0000000001",
    "venue-1",
    "ema",
    Category.LINEAR,
    "BTCUSDT",
    Side.BUY,
    OrderType.LIMIT,
    TimeInForce.GTC,
    D("0.100"),
    D("50000.50"),
    OrderStatus.NEW,
    D("0"),
    None,
    False,
    AT,
    AT,
)
POSITION = rows.PositionRow(
    "",
    Category.LINEAR,
    "BTCUSDT",
    D("-0.25"),
    LONG,
    D("50100"),
    D("-24.969135802747"),
    D("12.5"),
    D("0.3"),
    D("-0.01"),
    D("-12500.030864197253"),
    AT,
    D("-12525"),
)
TRADE = rows.TradeRow(
    "exec-1",
    AT,
    Category.LINEAR,
    "BTCUSDT",
    "ema",
    Side.SELL,
    "Trade",
    D("50000"),
    D("0.25"),
    D("12500"),
    D("6.8750000000000001"),
    "USDT",
    False,
    D("0"),
    D("-0.25"),
    "tRUN-001-0000000001",
    "venue-1",
    7,
)
STRATEGY = rows.StrategyRow(
    "ema",
    "EmaCross",
    StrategyStatus.ACTIVE,
    ("BTCUSDT",),
    D("10000"),
    D("12.5"),
    D("12.5"),
    D("-1"),
    D("0.3"),
    1,
    1,
    3,
    parameters={"fast": 10},
)
REASON = rows.ReasonRow("operator", Level.HALTED, "person", "halted by uid 0", AT)
LIMIT = rows.LimitRow("order", D("0.02"), "of equity", None)
CHECK = rows.CheckRow("order size", True, "2 %", "1 %")
ALGORITHM = rows.AlgorithmRow(
    "a4", AT, "twap", "ema", Category.LINEAR, "BTCUSDT", Side.BUY, D("1"), D("0.25"), AlgorithmStatus.WORKING, "",
    "slice 2 of 4", {"slices": "4"},
)  # fmt: skip
PROFIT = rows.ProfitRow("2025-06-15", D("9"), D("10"), D("1"), D("2"), D("-0.5"), D("7.5"), D("1000"), 3)
REFUSED = rows.DecisionRow(
    9, "run00001", AT, 1, "ema", Category.LINEAR, "BTCUSDT", "target", Side.BUY, D("1"), None, "cross", False,
    (rows.CheckRow("order_size", False, "2 %", "3 %", "order value 3000 is above 2 %"),),
)  # fmt: skip
STATUS = m.Status(
    "sandbox",
    "default",
    m.Life.UP,
    Level.RUNNING,
    (),
    AT,
    AT + 3_723_000_000_000,
    "run00001",
    "0.1.0",
    os.getpid(),
    m.ExchangeStatus(
        "bybit",
        "900100",
        (m.StreamStatus("public", True, AT), m.StreamStatus("trade", False, AT, None, "cut")),
        2_000_000,
    ),
    (STRATEGY,),
    (LIMIT,),
    m.EquityStatus("USDT", D("100012.5"), D("100000"), D("12.5"), D("-3")),
    m.JournalStatus("/x", 1234, 1230, 3_400_000),
    (m.ChildStatus("store", "up", 5), m.ChildStatus("api", "down", None, 0, 2)),
    (rows.AlertRow(AT, AlertLevel.WARNING, "CLOCK", "the clock is off", "Look at NTP."),),
    1,
    1,
    3,
)
INSTRUMENT = rows.InstrumentRow(
    Category.LINEAR,
    "BTCUSDT",
    "BTC",
    "USDT",
    "USDT",
    D("0.10"),
    D("0.001"),
    D("0.001"),
    D("1190"),
    D("500"),
    D("5"),
    D("100"),
    480,
    "Trading",
    D("0.0002"),
    D("0.00055"),
)
ANSWERS: dict[str, Any] = {
    "status": STATUS,
    "stop": m.Stopped("stopping", (), (POSITION,)),
    "halt": m.StateResult(Level.HALTED, (REASON,), "halted", ("tRUN-001-0000000001",)),
    "resume": m.StateResult(Level.RUNNING, (), "resumed"),
    "reconcile": m.Done("reconciliation asked for"),
    "orders.list": m.OrderList((ORDER,), 1234, "", (ALGORITHM,)),
    "orders.show": m.OrderDetail(ORDER, None, (TRADE,), 1234),
    "orders.place": m.Placed(
        False, Category.LINEAR, "BTCUSDT", D("0.1"), D("50000"), D("5000"), D("1"), D("500"), (CHECK,), ORDER
    ),
    "orders.amend": m.Done("amended", ("tRUN-001-0000000001",)),
    "orders.cancel": m.Done("cancelled", ("tRUN-001-0000000001",)),
    "positions.list": m.PositionList((POSITION,), 1234),
    "positions.show": m.PositionDetail(POSITION, (), (ORDER,), 1234),
    "positions.close": m.Done("closing"),
    "positions.adopt": m.Done("adopted"),
    "portfolio.show": m.Portfolio(
        "sandbox",
        "default",
        AT,
        "USDT",
        D("100012.5"),
        D("100000"),
        D("12.5"),
        D("0"),
        D("0.3"),
        D("-0.01"),
        (rows.BalanceRow("USDT", D("99000"), D("1000"), D("100000")),),
        (POSITION,),
        (STRATEGY,),
        1234,
    ),
    "strategies.list": m.StrategyList((STRATEGY,), 1234),
    "strategies.show": m.StrategyDetail(STRATEGY, (POSITION,), (ORDER,), 1234),
    "strategies.enable": m.Done("enabled"),
    "strategies.disable": m.Done("disabled"),
    "strategies.reload": m.Done("nothing changed"),
    "strategies.set": m.Done("ema_cross is warming with its new parameters, 0 entries cancelled"),
    "universe.show": m.UniverseList(
        (
            UniverseInfo(
                "liquid",
                "linear",
                1_748_736_000 * 10**9,
                60,
                ("BTCUSDT", "ETHUSDT"),
                (("XUSDT", "turnover 1 below 2"),),
                ("ema",),
            ),
        ),
        1234,
    ),
    "algorithms.show": m.AlgorithmDetail(ALGORITHM, (ORDER,), 1234),
    "positions.set": m.Done("the stops of linear:BTCUSDT are being set"),
    "portfolio.metrics": m.MetricsReport(
        "",
        AT,
        AT + 40 * 86_400 * 10**9,
        "USDT",
        41,
        {"total_return": 0.0512, "sharpe": None},
        rows.DrawdownRow(-0.1, "2025-06-01", "2025-06-03", None, 9, 9),
        {"trades": 12.0, "win_rate": 0.5, "mean_holding_s": 3900.0},
        {"time": 0.25, "turnover": 3.5},
        PROFIT,
        D("7.5"),
    ),
    "portfolio.pnl": m.ProfitList("day", "USDT", (PROFIT,), PROFIT),
    "portfolio.allocation": m.Allocation(
        "risk_parity",
        "USDT",
        D("100000"),
        D("0.30"),
        (rows.ShareRow("ema", D("0.1234"), D("12340"), D("0.10"), 25),),
        AT,
    ),
    "portfolio.rebalance": m.Allocation("fixed", "USDT", D("100000"), D("0"), (), 0, "nothing to change"),
    "risk.show": m.RiskReport(
        Level.REDUCING,
        (REASON,),
        (rows.LimitRow("day_loss_share", D("3"), "% of equity", D("2.5")), rows.LimitRow("allow", None, "", text="*")),
        (rows.LimitRow("order_share", D("1"), "% of equity"),),
    ),
    "risk.limits": m.RiskReport(
        Level.RUNNING, (), (rows.LimitRow("order_value", None, "USDT", None, "strategy:ema", "off", "largest order"),)
    ),
    "risk.set": m.Done("limits set: order_share = 0.01"),
    "risk.reset": m.StateResult(Level.RUNNING, (), "lifted day_loss"),
    "risk.test": m.RiskTested(True, Category.LINEAR, "BTCUSDT", D("0.5"), (CHECK,)),
    "why": m.Explanation("order x", "run00001", (m.ExplainedStep("signal", "ema wanted to buy", AT),)),
    "why.not": m.NotTraded(
        Category.LINEAR, "BTCUSDT", AT, 1234, Level.RUNNING, (m.ExplainedStep("ema", "no signal: 12 bars of 1m"),)
    ),
    "why.quiet": m.Quiet("BTCUSDT", AT, (REFUSED,), (m.ExplainedStep("state", "HALTED for 3 s: halted", AT),)),
    "instruments.list": m.InstrumentList((INSTRUMENT,)),
    "instruments.show": m.InstrumentList((INSTRUMENT,)),
    "market.ticker": m.Ticker(
        rows.TickerRow(
            Category.LINEAR, "BTCUSDT", AT, D("50000"), D("49999.9"), D("50000"), None, None, D("0.0001"), AT
        )
    ),
    "market.book": m.Book(
        Category.LINEAR, "BTCUSDT", AT, ((D("49999.9"), D("1.5")), (D("49999.8"), D("2"))), ((D("50000"), D("0.3")),)
    ),
    "market.candles": m.Candles(
        Category.LINEAR, "BTCUSDT", "1m", (rows.CandleRow(AT, D("1"), D("2"), D("0.5"), D("1.5"), D("10"), D("15")),)
    ),
    "market.funding": m.Funding(Category.LINEAR, "BTCUSDT", D("0.0001"), AT, 480, ()),
    "trades.list": m.TradeList((TRADE,), 1234, "next"),
    "trades.show": m.TradeDetail(TRADE, ORDER, None),
    "orders.history": m.OrderList((ORDER,), 1234, ""),
}


class FakeDaemon:
    """Daemon and store in a thread. ``calls`` are (method, parameters) as received; ``answers`` may be changed, an
    exception among them is raised, a callable is called."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.answers = dict(ANSWERS)
        self.about = {"mode": "sandbox", "profile": "default"}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._servers: list[RpcServer] = []

    def _handler(self, method: m.Method[Any, Any]) -> Handler:
        def call(params: Params, peer: Peer) -> Any:
            self.calls.append(
                (method.name, {f: msgspec.to_builtins(getattr(params, f)) for f in params.__struct_fields__})
            )
            answer = self.answers[method.name]
            if isinstance(answer, Exception):
                raise answer
            return answer() if callable(answer) else answer

        return Handler.of(method, call)

    def _run(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def start(self, about: dict[str, str] | None = None) -> None:
        self._thread.start()
        for path, methods in (
            (self.paths.daemon_socket, m.DAEMON_METHODS),
            (self.paths.store_socket, m.STORE_METHODS),
        ):
            handlers = {name: self._handler(method) for name, method in methods.items()}
            server = RpcServer(path, handlers, about=about or self.about)
            self._run(server.start())
            self._servers.append(server)

    def stop(self) -> None:
        for server in self._servers:
            self._run(server.close())
        self._servers = []
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment in which nothing of this machine's is found."""
    for name in list(os.environ):
        if name.startswith(("TRADECTL_", "BYBIT_", "XDG_")) or name in ("ENVIRONMENT", "LOG_LEVEL"):
            monkeypatch.delenv(name)
    state = tmp_path / "s"
    monkeypatch.setenv("TRADECTL_STATE", str(state))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return state


@pytest.fixture
def fake(home: Path) -> Iterator[FakeDaemon]:
    daemon = FakeDaemon(Paths(str(home)))
    daemon.start()
    yield daemon
    daemon.stop()


class Ran(msgspec.Struct, frozen=True):
    """What a command line did."""

    code: int
    out: str
    err: str


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Run a command line in this process."""
    from tradectl.__main__ import main

    def call(*words: str) -> Ran:
        code = main(list(words))
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return call
