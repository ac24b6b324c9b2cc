"""What is in flight, added up the slow obvious way: what the running totals must equal whenever anybody asks."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from itertools import product

from tradectl.engine.order_state import Order
from tradectl.engine.world import World
from tradectl.model.instruments import InstrumentId
from tradectl.model.orders import OrderStatus

_FAST = World.in_flight


def open_now(world: World) -> list[Order]:
    """Every order that may still fill or misses executions, whatever the index says."""
    return [o for o in world.orders.values() if o.is_open or o.misses_executions]


def slow_in_flight(
    world: World, instrument: InstrumentId, sign: int, strategy: str = "", without: str = "", ending: bool = True,
    idx: int = 0,
) -> Decimal:  # fmt: skip
    """The definition of :meth:`World.in_flight`, order by order."""
    total = Decimal(0)
    for order in open_now(world):
        same = order.instrument == instrument and order.sign == sign and strategy in ("", order.strategy)
        same &= idx in (0, order.spec.position_idx)
        if same and order.link_id != without and (ending or not order.cancel_asked):
            total += order.in_flight
    return total


def checked_in_flight(
    world: World, instrument: InstrumentId, sign: int, strategy: str = "", without: str = "", ending: bool = True,
    idx: int = 0,
) -> Decimal:  # fmt: skip
    """The totals, compared at the very moment somebody relies on them."""
    fast = _FAST(world, instrument, sign, strategy, without, ending, idx)
    slow = slow_in_flight(world, instrument, sign, strategy, without, ending, idx)
    asked = f"{instrument} {sign:+} {strategy or 'all'} without {without or 'none'} ending {ending} leg {idx}"
    assert fast == slow, f"in flight of {asked}: the totals say {fast}, the orders {slow}"
    return fast


@contextmanager
def every_read_checked() -> Iterator[None]:
    """Within it, nobody is told a total that is not so."""
    World.in_flight = checked_in_flight  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        World.in_flight = _FAST  # type: ignore[method-assign]


def assert_index(world: World) -> None:
    """Everything the index of open orders says, against the orders themselves."""
    found = {o.link_id: o for o in open_now(world)}
    index = world.open
    assert index.stop_count == sum(o.is_open and o.is_stop for o in found.values())
    assert set(index.orders) == set(found)
    for strategy in {o.strategy for o in found.values()} | {"nobody"}:
        assert {o.link_id for o in index.of(strategy)} == {k for k, o in found.items() if o.strategy == strategy}
    for instrument in {o.instrument for o in found.values()}:
        same = {k for k, o in found.items() if o.instrument == instrument}
        assert {o.link_id for o in index.of("", instrument)} == same
        assert [o.link_id for o in index.of("", instrument)] == [k for k in index.orders if k in same]
        for sign in (1, -1):
            for strategy in ("", *{o.strategy for o in found.values()}):
                for ending, idx in product((True, False), (0, 1, 2)):
                    checked_in_flight(world, instrument, sign, strategy, "", ending, idx)
            of_side = {k for k in same if found[k].sign == sign}
            assert {o.link_id for o in index.of_side(instrument, sign)} == of_side
    assert set(index.by_instrument) == {o.instrument for o in found.values()}
    assert set(index.by_strategy) == {o.strategy for o in found.values()}
    assert index.open_count == sum(o.is_open for o in found.values())
    assert index.unknown_count == sum(o.status is OrderStatus.UNKNOWN for o in found.values())
    for link in (*found, "nobody"):
        assert index.open_without(link) == sum(o.is_open for k, o in found.items() if k != link)
