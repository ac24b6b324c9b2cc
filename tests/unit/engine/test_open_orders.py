"""The index of open orders and its running totals equal the slow recount, after every step of any flow."""

import random
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.engine.flow import Choices, Flow
from tests.unit.engine.harness import BTC, T0, Bench, config, ready
from tests.unit.engine.recount import assert_index, open_now
from tradectl.engine.order_state import Order
from tradectl.engine.world import World
from tradectl.model.events import OrderRequested
from tradectl.model.orders import OrderSpec, OrderStatus, OrderType, Side

NUMBERS = st.lists(st.integers(min_value=0, max_value=5039), min_size=60, max_size=240)


def follow(numbers: list[int], steps: int) -> int:
    flow, most = Flow(Choices(numbers)), 0
    for _ in range(steps):
        flow.step()
        assert_index(flow.bench.engine.world)
        most = max(most, len(open_now(flow.bench.engine.world)))
    return most


@given(NUMBERS)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_index_is_right_after_every_step(numbers: list[int]) -> None:
    follow(numbers, len(numbers) // 3)


@pytest.mark.parametrize("seed", range(8))
def test_the_index_is_right_through_long_flows(seed: int) -> None:
    generator = random.Random(seed)
    assert follow([generator.randrange(5040) for _ in range(900)], 200) > 2


def order(link: str, qty: str, status: OrderStatus = OrderStatus.NEW) -> Order:
    spec = OrderSpec(link, BTC, Side.BUY, OrderType.LIMIT, Decimal(qty), Decimal(100))
    return Order(spec, "s", 1, 1, T0, status, Decimal(qty), Decimal(100))


def test_a_total_has_the_same_digits_however_it_came_about() -> None:
    """A restored engine never saw the orders that are over; its checks must still print the same."""
    old, new = World(config()), World(config())
    old.add_order(order("a", "0.10000"))
    old.add_order(order("b", "20"))
    gone = old.orders["a"]
    gone.status = OrderStatus.CANCELLED
    old.touch(gone)
    new.add_order(order("b", "20"))
    assert str(old.in_flight(BTC, 1)) == str(new.in_flight(BTC, 1)) == "20"


def test_an_order_that_is_over_but_misses_executions_still_counts() -> None:
    world = World(config())
    filled = order("a", "3")
    world.add_order(filled)
    filled.status, filled.cum_qty, filled.booked = OrderStatus.FILLED, Decimal(3), Decimal(1)
    world.touch(filled)
    assert world.in_flight(BTC, 1) == Decimal(2)
    assert world.open.open_count == 0
    filled.booked = Decimal(3)
    world.touch(filled)
    assert world.in_flight(BTC, 1) == 0
    assert world.open_orders() == []


def test_orders_are_found_by_strategy_and_instrument() -> None:
    bench: Bench = ready()
    for _ in range(3):
        bench.feed(
            OrderRequested(bench.now, "me", BTC, Side.BUY, OrderType.LIMIT, Decimal("0.1"), Decimal(90), strategy="")
        )
    world = bench.engine.world
    name = next(iter(world.open.by_strategy))
    assert len(world.open_orders(name)) == len(world.open_orders(instrument=BTC)) == 3
    assert len(world.open_orders(name, BTC)) == 3
    assert world.open_orders("other") == []
