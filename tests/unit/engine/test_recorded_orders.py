"""A tail replayed by other code: the orders are those that were sent, whatever today's code would have done."""

from decimal import Decimal

from msgspec.structs import replace

from tests.unit.engine.harness import BTC, Bench
from tradectl.engine.recorded_orders import NOT_SENT, follow_record
from tradectl.model.commands import RiskApproved
from tradectl.model.ids import order_link_id
from tradectl.model.orders import OrderSpec, OrderStatus, OrderType, Side

D = Decimal


def approved(bench: Bench, seq: int, side: Side, qty: str, price: str) -> RiskApproved:
    link = order_link_id(bench.engine.world.config.run, 0, seq)
    return RiskApproved(7, 3, OrderSpec(link, BTC, side, OrderType.LIMIT, D(qty), D(price)))


def test_the_same_orders_change_nothing() -> None:
    bench = Bench()
    both = (approved(bench, 5, Side.BUY, "1", "99"),)
    assert follow_record(bench.engine.world, both, both) == 0
    assert bench.engine.world.orders == {}


def test_an_order_of_the_record_is_known_though_it_is_not_decided_again() -> None:
    world = (bench := Bench()).engine.world
    sent = approved(bench, 5, Side.SELL, "0.4", "101")
    assert sent.order is not None
    assert follow_record(world, (sent,), ()) == 1
    order = world.orders[sent.order.link_id]
    assert (order.spec, order.status, order.strategy, order.qty) == (sent.order, OrderStatus.SENT, "operator", D("0.4"))
    assert world.in_flight(BTC, -1) == D("0.4")
    assert world.order_seq == 6, "its id is not used again"


def test_an_id_that_was_sent_with_another_order_is_known_with_that_one() -> None:
    world = (bench := Bench()).engine.world
    now, then = approved(bench, 5, Side.BUY, "1", "99"), approved(bench, 5, Side.SELL, "0.4", "101")
    assert then.order is not None
    follow_record(world, (now,), ())
    assert follow_record(world, (then,), (now,)) == 1
    assert world.orders[then.order.link_id].spec == then.order
    assert (world.in_flight(BTC, 1), world.in_flight(BTC, -1)) == (D(0), D("0.4"))
    assert [o.spec for o in world.open.of_side(BTC, -1)] == [then.order]
    assert world.open.of_side(BTC, 1) == []


def test_an_order_decided_only_now_was_never_sent() -> None:
    world = (bench := Bench()).engine.world
    now = approved(bench, 5, Side.BUY, "1", "99")
    assert now.order is not None
    follow_record(world, (now,), ())
    assert follow_record(world, (), (now,)) == 1
    order = world.orders[now.order.link_id]
    assert (order.status, order.reason) == (OrderStatus.REFUSED, NOT_SENT)
    assert world.open_orders() == []
    assert world.in_flight(BTC, 1) == 0


def test_amendments_and_stops_are_no_orders() -> None:
    bench = Bench()
    amended = replace(approved(bench, 5, Side.BUY, "1", "99"), order=None)
    assert follow_record(bench.engine.world, (amended,), ()) == 0
