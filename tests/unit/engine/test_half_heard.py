"""What is half heard: the first of the fills of an order that trades or ends in one instant."""

import pytest

from tests.unit.engine.harness import BTC, Bench, config, ready
from tests.unit.engine.test_order_life import D, ack, fill, place, tell
from tradectl.model.events import CloseRequested
from tradectl.model.orders import OrderSpec, OrderStatus, Side


def close(bench: Bench) -> list[OrderSpec]:
    """Close the operator's book; what leaves for it."""
    before = len(bench.creates())
    bench.feed(CloseRequested(bench.now, "me", BTC, "operator"))
    return bench.creates()[before:]


def begun(bench: Bench, side: Side = Side.BUY) -> str:
    """A market order for 10 of which 4 are heard."""
    link = place(bench, "10", None, side)
    ack(bench, link)
    fill(bench, link, "4")
    return link


@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_what_closes_a_half_heard_market_order_closes_no_more_than_is_held(side: Side) -> None:
    bench = ready()
    link = begun(bench, side)
    sent = close(bench)
    assert [(it.qty, it.reduce_only) for it in sent] == [(D(4), True)]
    tell(bench, link, OrderStatus.PARTIALLY_FILLED_CANCELED, "4")
    fill(bench, sent[0].link_id, "4", "e2")
    assert bench.engine.world.portfolio.size("operator", BTC) == 0


@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_the_rest_of_it_is_closed_once_it_came(side: Side) -> None:
    bench = ready()
    link = begun(bench, side)
    first = close(bench)
    before = len(bench.creates())
    fill(bench, link, "2", "e2")
    assert len(bench.creates()) == before  # there may be more
    fill(bench, link, "4", "e3")
    assert [(it.qty, it.reduce_only) for it in bench.creates()[before:]] == [(D(6), True)]
    for sent in (*first, *bench.creates()[before:]):
        fill(bench, sent.link_id, str(sent.qty), f"e-{sent.link_id}")
    assert bench.engine.world.portfolio.size("operator", BTC) == 0
    assert not bench.engine.world.unfinished


def test_the_rest_that_came_before_the_order_ended_short_is_closed() -> None:
    bench = ready()
    link = begun(bench)
    close(bench)
    before = len(bench.creates())
    fill(bench, link, "1", "e2")
    tell(bench, link, OrderStatus.PARTIALLY_FILLED_CANCELED, "5")
    assert [it.qty for it in bench.creates()[before:]] == [D(1)]


def test_nothing_is_closed_twice_when_somebody_asks_again_meanwhile() -> None:
    bench = ready()
    link = begun(bench)
    assert [it.qty for it in close(bench)] == [D(4)]
    assert close(bench) == []  # all that is heard of is being closed
    before = len(bench.creates())
    fill(bench, link, "6", "e2")
    assert [it.qty for it in bench.creates()[before:]] == [D(6)]


def test_who_enters_after_the_close_keeps_what_came() -> None:
    bench = ready()
    link = begun(bench)
    close(bench)
    place(bench, "3", None, Side.BUY)
    before = len(bench.creates())
    fill(bench, link, "6", "e2")
    assert len(bench.creates()) == before


def test_the_rest_is_closed_after_a_restart_too() -> None:
    bench = ready()
    link = begun(bench)
    close(bench)
    bench.engine, _ = bench.reborn(bench.engine.checkpoint(), [])
    before = len(bench.creates())
    fill(bench, link, "6", "e2")
    assert [it.qty for it in bench.creates()[before:]] == [D(6)]


def test_beside_other_books_no_more_than_what_is_heard_is_closed() -> None:
    bench = ready()
    fill(bench, "somebody else's", "3", "e0", side=Side.SELL)
    link = begun(bench)
    assert [(it.qty, it.reduce_only) for it in close(bench)] == [(D(1), True), (D(3), False)]
    before = len(bench.creates())
    fill(bench, link, "6", "e2")
    assert sum(it.qty for it in bench.creates()[before:]) == D(6)


def test_a_leg_that_is_only_on_its_way_is_closed_once_it_is_there() -> None:
    bench = ready(config(position_mode="hedge"))
    link = place(bench, "10", None)
    ack(bench, link)
    info = bench.engine.world.instruments[BTC]
    (made,) = bench.engine.targets.to_size("operator", info, D(0), "close", "enough")
    assert made.checks[-1].reason == f"it is traded once {link} is over"
    fill(bench, link, "4")
    before = len(bench.creates())
    fill(bench, link, "6", "e2")
    assert [(it.qty, it.position_idx, it.side) for it in bench.creates()[before:]] == [(D(10), 1, Side.SELL)]


def test_a_half_heard_leg_is_closed_in_two_steps() -> None:
    bench = ready(config(position_mode="hedge"))
    link = begun(bench)
    assert [(it.qty, it.position_idx) for it in close(bench)] == [(D(4), 1)]
    before = len(bench.creates())
    fill(bench, link, "6", "e2")
    assert [(it.qty, it.position_idx) for it in bench.creates()[before:]] == [(D(6), 1)]
