"""Hedge mode: an order of a book goes to the leg its position is on, and none crosses zero."""

from decimal import Decimal as D

from tests.unit.engine.harness import BTC, Bench, config, ready
from tests.unit.engine.test_order_life import ack, fill, of, place
from tradectl.engine.trading_engine import TradingEngine
from tradectl.model.commands import DecisionMade
from tradectl.model.events import CloseRequested, OrderRequested, ProtectRequested
from tradectl.model.orders import OrderType, Side


def hedged() -> Bench:
    return ready(config(position_mode="hedge"))


def hold(bench: Bench, qty: str, side: Side = Side.BUY, exec_id: str = "e1") -> str:
    link = place(bench, qty, None, side)
    ack(bench, link)
    fill(bench, link, qty, exec_id)
    return link


def test_what_opens_and_what_closes_name_the_same_leg() -> None:
    bench = hedged()
    hold(bench, "1")
    hold(bench, "1", Side.SELL, "e2")
    hold(bench, "1", Side.SELL, "e3")
    hold(bench, "1", Side.BUY, "e4")
    assert [(o.side, o.position_idx, o.reduce_only) for o in bench.creates()] == [
        (Side.BUY, 1, False), (Side.SELL, 1, True), (Side.SELL, 2, False), (Side.BUY, 2, True),
    ]  # fmt: skip


def test_a_resting_exit_is_reduce_only_on_its_leg() -> None:
    bench = hedged()
    hold(bench, "1")
    place(bench, "1", "105", Side.SELL)
    assert (bench.creates()[-1].position_idx, bench.creates()[-1].reduce_only) == (1, True)


def test_an_order_that_would_cross_zero_is_refused_in_words() -> None:
    bench = hedged()
    hold(bench, "1")
    out = bench.feed(OrderRequested(bench.now, "me", BTC, Side.SELL, OrderType.MARKET, D("1.5")))
    made = of([*out], DecisionMade)[0]
    assert not made.accepted
    assert made.checks[-1].name == "position_mode"
    assert "quantity 1.5: in hedge mode an order cannot cross zero; close 1 first" in made.checks[-1].reason


def test_a_close_and_a_stop_stay_on_the_leg() -> None:
    bench = hedged()
    hold(bench, "1", Side.SELL)
    bench.feed(ProtectRequested(bench.now, "me", BTC, "operator", stop_loss=D(110)))
    stop = bench.creates()[-1]
    assert (stop.side, stop.position_idx, stop.reduce_only, stop.close_on_trigger) == (Side.BUY, 2, True, True)
    bench.feed(CloseRequested(bench.now, "me", BTC, "operator"))
    assert (bench.creates()[-1].position_idx, bench.creates()[-1].trigger) == (2, None)


def test_the_mode_outlives_a_restart() -> None:
    bench = hedged()
    hold(bench, "1")
    engine = TradingEngine(bench.config, {})
    engine.restore(bench.engine.checkpoint())
    assert engine.world.venue_size(BTC, 1) == 1
    assert engine.world.venue_size(BTC, -1) == 0
