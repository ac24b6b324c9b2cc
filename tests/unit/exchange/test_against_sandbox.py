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

from tradectl.exchange.bybit.config import BybitConfig, Credentials, PositionMode, TransportName
from tradectl.exchange.bybit.connector import BybitConnector
from tradectl.model.commands import (
    Amendment,
    CancelOrder,
    LookUpOrder,
    Reconcile,
    RequestBars,
    RequestTickers,
    RiskApproved,
    Subscribe,
)
from tradectl.model.events import (
    AccountChecked,
    Action,
    BarClosed,
    BarsLoaded,
    BookChanged,
    DataDoubted,
    Executed,
    OrderAnswered,
    OrderLookedUp,
    OrderReported,
    RateLimitReported,
    Reaction,
    Reconciled,
    StopAnswered,
    TickersLoaded,
)
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.market_data import MarketKey
from tradectl.model.money import use_exact_context
from tradectl.model.orders import (
    OrderReport,
    OrderSpec,
    OrderStatus,
    OrderType,
    Protection,
    Side,
    TradingStop,
    Trigger,
    TriggerBy,
)

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

    def __init__(self, base: str, transport: TransportName, **changes: Any) -> None:
        self.events: list[Any] = []
        config = BybitConfig(
            rest_base=base,
            transport=transport,
            categories=(Category.LINEAR, Category.SPOT),
            leverage={LINEAR: Decimal(3)},
            **changes,
        )
        self.connector = BybitConnector(config, Credentials("K", "S"), self.events.append, lambda ts: time.time_ns())

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if type(event) is kind]

    def report(self, link_id: str) -> OrderReport | None:
        """The last word on an order."""
        return next((e.report for e in reversed(self.of(OrderReported)) if e.report.link_id == link_id), None)

    def answers(self) -> dict[str, tuple[Action, int]]:
        return {e.link_id: (e.action, e.code) for e in self.of(OrderAnswered)}

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


def below(session: Session, part: str, instrument: InstrumentId = LINEAR) -> Decimal:
    """A price on the tick, at ``part`` of the bid."""
    quote = session.connector.quote(instrument)
    assert quote is not None
    return session.connector.instruments()[instrument].passive_price(Decimal(repr(quote.bid)) * Decimal(part), True)


async def opened(session: Session, wait_until: Wait) -> None:
    use_exact_context()
    await session.connector.open()
    for instrument in (LINEAR, SPOT):
        session.connector.execute(Subscribe(MarketKey("quotes", instrument)))
    await wait_until(lambda: session.connector.quote(LINEAR) and session.connector.quote(SPOT), 10.0)


async def truth_of(session: Session, wait_until: Wait) -> Reconciled:
    seen = len(session.of(Reconciled))
    session.connector.execute(Reconcile(0, "test"))
    await wait_until(lambda: len(session.of(Reconciled)) > seen)
    truth: Reconciled = session.of(Reconciled)[-1]
    assert truth.error == ""
    return truth


async def test_batches_are_answered_for_each_order(sandbox: str, wait_until: Wait) -> None:
    session = Session(sandbox, TransportName.PICOWS)
    await opened(session, wait_until)
    connector = session.connector
    try:
        price = below(session, "0.995")
        small = Decimal("0.010")
        orders = [OrderSpec(f"b-{n}", LINEAR, Side.BUY, OrderType.LIMIT, small, price) for n in range(4)]
        orders.append(OrderSpec("b-tiny", LINEAR, Side.BUY, OrderType.LIMIT, Decimal("0.00001"), price))
        connector.execute_all([RiskApproved(1, 1, order, batch=5) for order in orders])
        await wait_until(lambda: len(session.answers()) == 5)
        codes = {link: code for link, (_, code) in session.answers().items()}
        assert codes.pop("b-tiny") != 0
        assert set(codes.values()) == {0}
        assert "linear:create-batch" in {e.group for e in session.of(RateLimitReported)}
        await wait_until(lambda: all(session.last_status(f"b-{n}") is OrderStatus.NEW for n in range(4)))
        session.events.clear()
        amends = [RiskApproved(1, 1, None, Amendment(f"b-{n}", "", LINEAR, small * 2), batch=6) for n in range(4)]
        connector.execute_all(amends)
        await wait_until(lambda: len(session.answers()) == 4)
        session.events.clear()
        connector.execute_all([CancelOrder(1, link, "", LINEAR, 7) for link in ("b-0", "b-1", "b-2", "b-3", "b-no")])
        await wait_until(lambda: len(session.answers()) == 5)
        assert {link: code for link, (_, code) in session.answers().items()} == {
            "b-0": 0, "b-1": 0, "b-2": 0, "b-3": 0, "b-no": 110001}  # fmt: skip
        truth = await truth_of(session, wait_until)
        assert {(r.link_id, r.status, r.qty) for r in truth.reports} == {
            (f"b-{n}", OrderStatus.CANCELLED, Decimal("0.02")) for n in range(4)}  # fmt: skip
    finally:
        await connector.close()


async def test_stops_of_every_kind(sandbox: str, wait_until: Wait) -> None:
    """A bracket, the position's own stops, and conditional orders on futures and spot, told alike by both ways."""
    session = Session(sandbox, TransportName.PICOWS)
    await opened(session, wait_until)
    connector = session.connector
    try:
        low, lower, high = below(session, "0.90"), below(session, "0.80"), below(session, "1.10")
        bracket = Protection(high, low, sl_by=TriggerBy.MARK)
        waits = Trigger(lower, False, TriggerBy.LAST)
        spot_wait = Trigger(below(session, "0.80", SPOT), False)
        size = Decimal("0.010")
        for order in (
            OrderSpec("s-entry", LINEAR, Side.BUY, OrderType.MARKET, size, protection=bracket),
            OrderSpec("s-stop", LINEAR, Side.SELL, OrderType.MARKET, size, reduce_only=True, trigger=waits,
                      close_on_trigger=True),
            OrderSpec("s-spot", SPOT, Side.BUY, OrderType.LIMIT, size, spot_wait.price, trigger=spot_wait),
        ):  # fmt: skip
            connector.execute(RiskApproved(1, 1, order))
            await wait_until(lambda link=order.link_id: link in session.answers())
        assert set(session.answers().values()) == {(Action.CREATE, 0)}
        await wait_until(lambda: session.last_status("s-spot") is OrderStatus.UNTRIGGERED)
        stop = session.report("s-stop")
        assert stop is not None
        assert (stop.status, stop.trigger, stop.close_on_trigger) == (OrderStatus.UNTRIGGERED, waits, True)
        await _see_the_bracket(session, wait_until, bracket)
        await _move_the_stops(session, wait_until, lower)
        connector.execute(RiskApproved(1, 1, None, Amendment("s-stop", "", LINEAR, trigger_price=low)))
        await wait_until(lambda: session.report("s-stop").trigger.price == low)  # type: ignore[union-attr]
        session.events.clear()
        connector.execute_all(
            [CancelOrder(1, "s-stop", "", LINEAR, 9, True), CancelOrder(1, "s-spot", "", SPOT, 9, True)]
        )
        await wait_until(lambda: len(session.answers()) == 2)
        assert set(session.answers().values()) == {(Action.CANCEL, 0)}
    finally:
        await connector.close()


async def _see_the_bracket(session: Session, wait_until: Wait, bracket: Protection) -> None:
    """The venue made two orders of the bracket: without an id of ours, found by its own."""
    truth = await truth_of(session, wait_until)
    children = [r for r in truth.reports if r.parent_link == "s-entry"]
    assert {(r.stop_order_type, r.trigger_price, r.link_id) for r in children} == {
        ("PartialTakeProfit", bracket.take_profit, ""), ("PartialStopLoss", bracket.stop_loss, "")}  # fmt: skip
    assert {r.link_id for r in truth.reports if r.status is OrderStatus.UNTRIGGERED} == {"", "s-stop", "s-spot"}
    spot = next(r for r in truth.reports if r.link_id == "s-spot")
    assert spot.trigger is not None
    assert not spot.trigger.rises
    session.connector.execute(LookUpOrder("", LINEAR, children[0].order_id))
    await wait_until(lambda: session.of(OrderLookedUp))
    looked = session.of(OrderLookedUp)[0]
    assert (looked.order_id, looked.report.parent_link) == (children[0].order_id, "s-entry")


async def _move_the_stops(session: Session, wait_until: Wait, price: Decimal) -> None:
    """The position's own stop is set, said again (nothing to change), and removed."""
    set_it = TradingStop(LINEAR, stop_loss=price, sl_by=TriggerBy.MARK, trailing=Decimal(500))
    for stop in (set_it, set_it, TradingStop(LINEAR, stop_loss=Decimal(0), trailing=Decimal(0))):
        seen = len(session.of(StopAnswered))
        session.connector.execute(RiskApproved(1, 1, None, None, stop))
        await wait_until(lambda seen=seen: len(session.of(StopAnswered)) > seen)
        if stop is set_it and not seen:
            (position,) = (await truth_of(session, wait_until)).positions
            assert (position.stop_loss, position.trailing) == (price, Decimal(500))
    assert [e.reaction for e in session.of(StopAnswered)] == [Reaction.OK] * 3
    assert session.of(StopAnswered)[1].code == 34040
    (position,) = (await truth_of(session, wait_until)).positions
    assert (position.stop_loss, position.trailing) == (None, None)


async def test_hedge_mode_holds_both_legs_and_tickers_list_the_category(sandbox: str, wait_until: Wait) -> None:
    session = Session(sandbox, TransportName.WEBSOCKETS, position_mode=PositionMode.HEDGE)
    await opened(session, wait_until)
    connector = session.connector
    try:
        assert [e.problems for e in session.of(AccountChecked)] == [()]
        size = Decimal("0.010")
        for link, side, leg, qty in (("h-1", Side.BUY, 1, size * 2), ("h-2", Side.SELL, 2, size)):
            order = OrderSpec(link, LINEAR, side, OrderType.MARKET, qty, position_idx=leg)
            connector.execute(RiskApproved(1, 1, order))
        connector.execute(RiskApproved(1, 1, OrderSpec("h-3", LINEAR, Side.BUY, OrderType.MARKET, size)))
        await wait_until(lambda: len(session.answers()) == 3 and len(session.of(Executed)) >= 2)
        assert {link: code for link, (_, code) in session.answers().items()} == {"h-1": 0, "h-2": 0, "h-3": 10001}
        refused = next(e for e in session.of(OrderAnswered) if e.link_id == "h-3")
        assert "position mode" in refused.message
        truth = await truth_of(session, wait_until)
        assert sorted((p.position_idx, p.size) for p in truth.positions) == [(1, size * 2), (2, -size)]
        assert {r.link_id: r.position_idx for r in truth.reports} == {"h-1": 1, "h-2": 2}
        connector.execute(RequestTickers("linear"))
        await wait_until(lambda: session.of(TickersLoaded))
        loaded = session.of(TickersLoaded)[0]
        assert loaded.error == ""
        btc = next(row for row in loaded.rows if row.symbol == "BTCUSDT")
        assert 0 < btc.low <= btc.last <= btc.high
        assert btc.turnover > 0
    finally:
        await connector.close()
