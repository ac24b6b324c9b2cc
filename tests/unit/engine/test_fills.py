"""Fills find their book: attached stops through their entry, whatever comes first; forced closes by what is held."""

from decimal import Decimal as D
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.unit.engine.harness import BTC, SECOND, Bench, ready
from tests.unit.engine.test_order_life import ack, fill, of, place
from tradectl.engine.shared_fills import shares
from tradectl.engine.trading_engine import TradingEngine
from tradectl.model.commands import Alert, ExecutionBooked, LookUpOrder
from tradectl.model.events import Executed, OrderLookedUp, OrderReported, Reconciled
from tradectl.model.orders import Execution, OrderReport, OrderStatus, OrderType, Protection, Side, TimeInForce, Trigger

STOPS = Protection(D(120), D(80))


def entry(bench: Bench, qty: str = "1") -> str:
    link = place(bench, qty, None, protection=STOPS)
    ack(bench, link)
    fill(bench, link, qty)
    return link


def child(parent: str, status: OrderStatus, cum: str = "0", now: int = 0) -> OrderReport:
    return OrderReport(
        BTC, "child", "", Side.SELL, OrderType.MARKET, TimeInForce.IOC, D(1), None, status, D(cum), D(cum) * 80, None,
        now, reduce_only=True, stop_order_type="PartialStopLoss", trigger=Trigger(D(80), False), trigger_price=D(80),
        close_on_trigger=True, parent_link=parent,
    )  # fmt: skip


def stop_fill(bench: Bench, **more: Any) -> Execution:
    made = Execution(
        "s1", BTC, "child", "", Side.SELL, D(80), D(1), D(80), D("0.044"), "USDT", False, bench.now, closed_qty=D(1),
        stop_order_type="PartialStopLoss", create_type="CreateByPartialStopLoss",
    )  # fmt: skip
    return replace(made, **more)


def booked(bench: Bench) -> list[tuple[str, D]]:
    return [(b.strategy, b.execution.qty) for b in bench.said(ExecutionBooked)[1:]]


def test_a_stops_fill_before_its_report_waits_for_it() -> None:
    bench = ready()
    link = entry(bench)
    bench.feed(Executed(bench.now, stop_fill(bench)))
    bench.feed(Executed(bench.now, stop_fill(bench)))  # said twice
    assert booked(bench) == []
    bench.feed(OrderReported(bench.now, child(link, OrderStatus.FILLED, "1", bench.now)))
    assert booked(bench) == [("operator", D(1))]
    assert bench.engine.world.portfolio.size("operator", BTC) == 0
    assert bench.engine.world.held == {}
    assert not [a for a in bench.said(Alert) if a.code in ("external_trade", "forced_trade")]


def test_it_is_asked_for_by_the_venues_id_over_a_restart() -> None:
    bench = ready()
    link = entry(bench)
    execution = stop_fill(bench)
    bench.feed(Executed(bench.now, execution))
    data = bench.engine.checkpoint()
    bench.engine = TradingEngine(bench.config, bench.classes)
    bench.engine.restore(data)
    asked = of(bench.wait(SECOND), LookUpOrder)
    assert next((a.link_id, a.order_id) for a in asked) == ("", "child")
    found = child(link, OrderStatus.FILLED, "1", bench.now)
    bench.feed(OrderLookedUp(bench.now, "", True, found, (execution,), order_id="child"))
    assert booked(bench) == [("operator", D(1))]


@pytest.mark.parametrize("how", ["conclusive", "bound", "reconciled"])
def test_when_nobody_knows_it_the_books_that_hold_the_side_give(how: str) -> None:
    bench = ready()
    entry(bench)
    bench.feed(Executed(bench.now, stop_fill(bench)))
    if how == "conclusive":
        bench.feed(OrderLookedUp(bench.now, "", True, None, order_id="child"))
    elif how == "reconciled":
        bench.feed(Reconciled(bench.now, bench.now))
    else:
        bench.wait(20 * SECOND)
        assert len(bench.said(LookUpOrder)) == 5
    assert booked(bench) == [("operator", D(1))]
    assert [a.code for a in bench.said(Alert) if a.code == "forced_trade"] == ["forced_trade"]


@pytest.mark.parametrize(
    "kind", [{"create_type": "CreateByLiq"}, {"type": "BustTrade", "create_type": "CreateByTakeOver_PassThrough"}]
)
def test_a_liquidation_is_booked_at_once(kind: dict[str, str]) -> None:
    bench = ready()
    entry(bench, "2")
    bench.feed(Executed(bench.now, stop_fill(bench, stop_order_type="", **kind)))
    assert booked(bench) == [("operator", D(1))]
    assert bench.engine.world.portfolio.size("operator", BTC) == 1
    assert bench.engine.world.portfolio.size("external", BTC) == 0


def test_somebodys_own_trade_stays_external() -> None:
    bench = ready()
    entry(bench)
    bench.feed(Executed(bench.now, stop_fill(bench, stop_order_type="", create_type="CreateByUser")))
    assert booked(bench) == [("external", D(1))]


LOT = D("0.001")


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.integers(-5000, 5000).map(lambda n: n * LOT), max_size=5),
    st.integers(1, 9000).map(lambda n: n * LOT),
    st.sampled_from((1, -1)),
)
def test_shares_add_up_and_close_no_more_than_is_held(held: dict[str, D], qty: D, sign: int) -> None:
    parts = shares(held, sign, qty, LOT)
    closable = {n: abs(s) for n, s in held.items() if s * sign < 0}
    assert set(parts) <= set(closable)
    if closable:
        assert sum(parts.values()) == qty
        assert all(part % LOT == 0 and part > 0 for part in parts.values())
        if qty <= sum(closable.values()):
            assert all(part <= closable[name] for name, part in parts.items())
    else:
        assert parts == {}
