"""The connector against the project's own sandbox in a process of its own: both ends written apart, one wire."""

import asyncio
import itertools
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tradectl.exchange.bybit.config import BybitConfig, Credentials, TransportName
from tradectl.exchange.bybit.connector import BybitConnector
from tradectl.model.commands import (
    Amendment,
    CancelOrder,
    LookUpOrder,
    Reconcile,
    RequestBars,
    RiskApproved,
    Subscribe,
)
from tradectl.model.events import (
    BarClosed,
    BarsLoaded,
    BookChanged,
    DataDoubted,
    Executed,
    OrderAnswered,
    OrderLookedUp,
    OrderReported,
    Reaction,
    Reconciled,
)
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.market_data import MarketKey
from tradectl.model.money import use_exact_context
from tradectl.model.orders import OrderSpec, OrderStatus, OrderType, Side

LINEAR = InstrumentId(Category.LINEAR, "BTCUSDT")
SPOT = InstrumentId(Category.SPOT, "BTCUSDT")
Wait = Callable[..., Any]


def start(options: list[str]) -> subprocess.Popen[bytes]:
    """A sandbox process."""
    command = [sys.executable, "-m", "tradectl.sandbox", *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


@pytest.fixture
async def sandbox(tmp_path: Path, wait_until: Wait) -> AsyncIterator[str]:
    """The address of a generated market at sixty times the speed of the wall."""
    options = ["--port", "0", "--speed", "60", "--state", str(tmp_path), "--account", "K:S:900100", "--ack-delay", "0"]
    process = start(options)
    endpoint = tmp_path / "endpoint.json"
    try:
        await wait_until(lambda: endpoint.exists() or process.poll() is not None, 20.0)
        assert process.poll() is None, process.communicate()[0].decode()
        yield f"http://127.0.0.1:{json.loads(endpoint.read_text())['port']}"
    finally:
        process.terminate()
        await asyncio.to_thread(process.communicate)


class Session:
    """A connector and what it said."""

    def __init__(self, base: str, transport: TransportName) -> None:
        self.events: list[Any] = []
        config = BybitConfig(
            rest_base=base,
            transport=transport,
            categories=(Category.LINEAR, Category.SPOT),
            leverage={LINEAR: Decimal(3)},
        )
        self.connector = BybitConnector(config, Credentials("K", "S"), self.events.append, lambda ts: time.time_ns())

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if type(event) is kind]

    def last_status(self, link_id: str) -> OrderStatus | None:
        found = [e.report.status for e in self.of(OrderReported) if e.report.link_id == link_id]
        return found[-1] if found else None


async def test_a_trading_session(sandbox: str, transport: TransportName, wait_until: Wait) -> None:
    use_exact_context()
    session = Session(sandbox, transport)
    connector = session.connector
    await connector.open()
    try:
        await _watch(session, wait_until)
        await _trade(session, wait_until)
        await _compare(session, wait_until)
        assert not session.of(DataDoubted)
        assert dict(connector.counters) == {}
        assert connector.outstanding == 0
    finally:
        await connector.close()


async def _watch(session: Session, wait_until: Wait) -> None:
    """Bars join history without a gap or a repeat; the book is live."""
    for kind, detail in (("bars", "1m"), ("book", "50"), ("quotes", ""), ("trades", ""), ("ticker", "")):
        session.connector.execute(Subscribe(MarketKey(kind, LINEAR, detail)))
    session.connector.execute(RequestBars(LINEAR, "1m", 30))
    await wait_until(lambda: len(session.of(BarClosed)) >= 2 and session.of(BarsLoaded), 10.0)
    loaded = session.of(BarsLoaded)[0]
    assert (loaded.error, len(loaded.bars)) == ("", 30)
    opened = [bar.open_time for bar in session.connector.bars(LINEAR, "1m")]
    assert [b - a for a, b in itertools.pairwise(opened)] == [60_000_000_000] * (len(opened) - 1)
    view, quote = session.connector.book(LINEAR), session.connector.quote(LINEAR)
    assert view is not None
    assert quote is not None
    assert view.bids[0][0] < view.asks[0][0]
    assert session.of(BookChanged)[0].snapshot


async def _trade(session: Session, wait_until: Wait) -> None:
    """A fill, a spot buy by value, and an order that is placed, amended and cancelled."""
    connector = session.connector
    instrument, quote = connector.instruments()[LINEAR], connector.quote(LINEAR)
    assert quote is not None
    far = instrument.passive_price(Decimal(repr(quote.bid)) * Decimal("0.995"), True)
    for order in (
        OrderSpec("t-fill", LINEAR, Side.BUY, OrderType.MARKET, Decimal("0.010")),
        OrderSpec("t-spot", SPOT, Side.BUY, OrderType.MARKET, Decimal(500), quote_qty=True),
        OrderSpec("t-rest", LINEAR, Side.BUY, OrderType.LIMIT, Decimal("0.010"), far),
    ):
        connector.execute(RiskApproved(1, 1, order))
    await wait_until(lambda: len(session.of(OrderAnswered)) == 3 and len(session.of(Executed)) >= 2)
    assert {e.reaction for e in session.of(OrderAnswered)} == {Reaction.OK}
    await wait_until(lambda: session.last_status("t-rest") is OrderStatus.NEW)
    connector.execute(RiskApproved(1, 1, None, Amendment("t-rest", "", LINEAR, Decimal("0.020"))))
    connector.execute(CancelOrder(1, "t-rest", "", LINEAR))
    connector.execute(CancelOrder(1, "t-none", "", LINEAR))
    await wait_until(lambda: session.last_status("t-rest") is OrderStatus.CANCELLED)
    await wait_until(lambda: len(session.of(OrderAnswered)) == 6)
    assert session.of(OrderAnswered)[-1].reaction is Reaction.RECONCILE


async def _compare(session: Session, wait_until: Wait) -> None:
    """What REST tells agrees with what the streams told."""
    session.connector.execute(Reconcile(0, "test"))
    session.connector.execute(LookUpOrder("t-fill", LINEAR))
    session.connector.execute(LookUpOrder("t-none", LINEAR))
    await wait_until(lambda: session.of(Reconciled) and len(session.of(OrderLookedUp)) == 2)
    truth = session.of(Reconciled)[0]
    assert truth.error == ""
    streamed = {e.execution.exec_id: e.execution for e in session.of(Executed)}
    polled = {e.exec_id: e for e in truth.executions}
    assert polled.keys() == streamed.keys()
    for exec_id, one in polled.items():
        other = streamed[exec_id]
        assert (one.price, one.qty, one.fee, one.fee_coin, one.ts) == (
            other.price, other.qty, other.fee, other.fee_coin, other.ts)  # fmt: skip
    ended = {report.link_id: report.status for report in truth.reports}
    assert ended == {
        "t-fill": OrderStatus.FILLED,
        "t-spot": session.last_status("t-spot"),
        "t-rest": OrderStatus.CANCELLED,
    }
    assert [(p.instrument, p.size, p.leverage) for p in truth.positions] == [(LINEAR, Decimal("0.01"), Decimal(3))]
    assert {row.type for row in truth.ledger} == {"TRANSFER_IN"}
    seen = {e.link_id: e for e in session.of(OrderLookedUp)}
    assert seen["t-fill"].report.status is OrderStatus.FILLED
    assert [e.exec_id for e in seen["t-fill"].executions] == [
        e.exec_id for e in truth.executions if e.link_id == "t-fill"
    ]
    assert (seen["t-none"].report, seen["t-none"].conclusive) == (None, False)
