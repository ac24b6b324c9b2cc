"""Hedge mode: a book whose buys and sells both filled holds both legs, and nobody takes their sum for nothing held."""

from decimal import Decimal as D

import pytest

from tests.unit.engine.harness import BTC, SECOND, config
from tests.unit.engine.live import Live
from tests.unit.engine.venue import place_of
from tradectl.engine.config import StrategyConfig
from tradectl.engine.strategy import Strategy
from tradectl.model.commands import DecisionMade, RequestAnswered
from tradectl.model.events import (
    AmendRequested,
    CancelRequested,
    CloseRequested,
    HaltRequested,
    LimitsSet,
    OrderRequested,
    ProtectRequested,
    StopRequested,
    StrategySwitched,
)
from tradectl.model.orders import OrderType, Protection, Side

ALPHA = "alpha"


class Asked(Strategy):
    """Does what a test tells it with the next quote."""

    def on_start(self) -> None:
        self.subscribe_quotes("BTCUSDT")
        self.todo: list[tuple[str, tuple[object, ...], dict[str, object]]] = []

    def on_quote(self, quote: object) -> None:
        for name, args, more in self.todo:
            getattr(self, name)("BTCUSDT", *args, **more, reason="told so")
        self.todo = []


def live() -> Live:
    cfg = config(StrategyConfig(name=ALPHA, class_="asked", capital=D(1)), position_mode="hedge")
    return Live(cfg, {"asked": Asked})


def tell(bench: Live, name: str, *args: object, price: float = 100.0, **more: object) -> DecisionMade:
    """The strategy asks for one thing; returns what was decided last."""
    runner = bench.bench.engine.host.runners[ALPHA]
    assert isinstance(runner.strategy, Asked)
    runner.strategy.todo.append((name, args, more))
    bench.quote(price)
    return bench.bench.said(DecisionMade)[-1]


def rest(bench: Live, side: Side, qty: str, price: str, protection: Protection | None = None) -> str:
    """A limit order of the strategy; returns its link id."""
    event = OrderRequested(
        bench.bench.now, "me", BTC, side, OrderType.LIMIT, D(qty), D(price), strategy=ALPHA, protection=protection
    )
    bench.feed(event)
    made = bench.bench.said(DecisionMade)[-1]
    assert made.accepted, made.checks[-1].reason
    return made.orders[0]


def fill(bench: Live, link: str) -> None:
    order = bench.venue.orders[link]
    assert order.price is not None
    bench.venue.fill(order, order.leaves, order.price)
    bench.hear()


def pair(bench: Live, long: str = "1", short: str = "1", stops: bool = False) -> None:
    """Both quotes rest at once, and both fill."""
    below, above = (Protection(stop_loss=D(80)), Protection(stop_loss=D(120))) if stops else (None, None)
    links = [rest(bench, Side.BUY, long, "99", below), rest(bench, Side.SELL, short, "101", above)]
    for link in links:
        fill(bench, link)
    assert legs(bench) == (D(long), -D(short))


def legs(bench: Live) -> tuple[D | int, D | int]:
    """Long and short leg at the venue; the book has the same."""
    found = tuple(D(str(float(bench.venue.sizes.get(place_of(BTC, idx), 0)))).normalize() for idx in (1, 2))
    book = bench.bench.engine.world.portfolio
    assert found == tuple(book.sizes(BTC, idx).get(ALPHA, D(0)) for idx in (1, 2))
    return found[0], found[1]


def answer(bench: Live) -> str:
    return bench.bench.said(RequestAnswered)[-1].text


def stops(bench: Live, side: Side) -> list[tuple[D | int, D | int]]:
    """Level and size of what stands at the venue to close a leg."""
    found = [o for o in bench.venue.open_orders() if o.is_dormant and o.side is side]
    return [(o.trigger.price, o.leaves) for o in found if o.trigger is not None]


# --- flat means both legs


@pytest.mark.parametrize(("long", "short"), [("1", "1"), ("1", "0.4"), ("0.4", "1")])
def test_a_close_closes_both_legs(long: str, short: str) -> None:
    bench = live()
    pair(bench, long, short)
    bench.feed(CloseRequested(bench.bench.now, "me", BTC, ALPHA))
    assert legs(bench) == (0, 0)
    assert "closing" in answer(bench)


def test_a_close_of_all_books_finds_the_pair() -> None:
    bench = live()
    pair(bench)
    bench.feed(CloseRequested(bench.bench.now, "me", BTC, ""))
    assert legs(bench) == (0, 0)


def test_a_strategy_closes_both_legs() -> None:
    bench = live()
    pair(bench)
    assert tell(bench, "close").accepted
    assert legs(bench) == (0, 0)


@pytest.mark.parametrize("how", ["halt", "disable", "stop"])
def test_flattening_closes_both_legs(how: str) -> None:
    bench = live()
    pair(bench)
    now = bench.bench.now
    bench.feed(
        {
            "halt": HaltRequested(now, "me", flatten=True),
            "disable": StrategySwitched(now, "me", ALPHA, False, flatten=True),
            "stop": StopRequested(now, "me", leave="flatten"),
        }[how]
    )
    assert legs(bench) == (0, 0)
    assert "closing alpha linear:BTCUSDT" in answer(bench)


def test_what_is_kept_is_named() -> None:
    bench = live()
    pair(bench)
    bench.feed(StrategySwitched(bench.bench.now, "me", ALPHA, False))
    assert "keeps linear:BTCUSDT" in answer(bench)


def test_nothing_held_is_still_nothing() -> None:
    bench = live()
    pair(bench)
    bench.feed(CloseRequested(bench.bench.now, "me", BTC, ALPHA))
    bench.feed(CloseRequested(bench.bench.now, "me", BTC, ALPHA))
    assert "there is no position" in answer(bench)


# --- targets


@pytest.mark.parametrize(("weight", "sign"), [(0.003, 1), (-0.003, -1)])
def test_a_target_closes_the_other_leg_and_brings_its_own_there(weight: float, sign: int) -> None:
    bench = live()
    pair(bench, "1", "1")
    assert tell(bench, "target", weight).accepted
    long, short = legs(bench)
    own, other = (long, -short) if sign > 0 else (-short, long)
    assert other == 0
    assert D("2.5") < own < D("3.1")


def test_a_smaller_target_takes_from_its_leg_alone_and_closes_the_other() -> None:
    bench = live()
    pair(bench, "5", "1")
    assert tell(bench, "target", 0.003).accepted
    long, short = legs(bench)
    assert short == 0
    assert D("2.5") < long < D("3.1")
    assert tell(bench, "target", 0.003).accepted
    assert legs(bench) == (long, 0)


# --- which leg an order goes to


def test_an_order_reduces_the_opposite_leg_of_its_own_book() -> None:
    bench = live()
    pair(bench)
    for side, idx in ((Side.SELL, 1), (Side.BUY, 2)):
        link = rest(bench, side, "0.4", "100")
        order = bench.venue.orders[link]
        assert (order.position_idx, order.reduce_only) == (idx, True)
    for order in bench.venue.open_orders():
        fill(bench, order.link_id)
    assert legs(bench) == (D("0.6"), D("-0.6"))


def test_an_entry_on_one_leg_leaves_the_room_to_close_the_other() -> None:
    bench = live()
    entry = rest(bench, Side.BUY, "1", "99")
    fill(bench, rest(bench, Side.SELL, "1", "101"))
    assert legs(bench) == (0, -1)
    link = rest(bench, Side.BUY, "1", "98")  # the resting entry opens the long leg: it takes nothing of this one's room
    assert (bench.venue.orders[link].position_idx, bench.venue.orders[link].reduce_only) == (2, True)
    fill(bench, entry)
    fill(bench, link)
    assert legs(bench) == (1, 0)


def test_an_order_larger_than_the_opposite_leg_is_refused() -> None:
    bench = live()
    pair(bench)
    bench.feed(OrderRequested(bench.bench.now, "me", BTC, Side.SELL, OrderType.MARKET, D("1.5"), strategy=ALPHA))
    made = bench.bench.said(DecisionMade)[-1]
    assert not made.accepted
    assert "close 1 first" in made.checks[-1].reason


def test_a_resting_entry_of_the_other_leg_is_no_exit() -> None:
    """A resting buy of the long leg opens, whatever the short leg holds: where only reducing is allowed it may not
    become larger."""
    bench = live()
    entry = rest(bench, Side.BUY, "0.5", "99")
    fill(bench, rest(bench, Side.SELL, "1", "101"))
    bench.feed(LimitsSet(bench.bench.now, "me", {"position_value": "60"}))
    bench.feed(AmendRequested(bench.bench.now, "me", entry, D("0.9"), None))
    made = bench.bench.said(DecisionMade)[-1]
    assert not made.accepted, "it was taken for an order that closes"
    bench.feed(CancelRequested(bench.bench.now, "me", entry))


def test_stops_are_not_attached_to_what_closes() -> None:
    bench = live()
    pair(bench)
    link = rest(bench, Side.SELL, "1", "101", Protection(stop_loss=D(120)))
    assert bench.venue.orders[link].protection is None
    fill(bench, link)
    assert legs(bench) == (0, -1)
    assert not stops(bench, Side.BUY)


def test_both_legs_count_against_the_limits_of_a_strategy() -> None:
    bench = live()
    pair(bench)
    bench.feed(LimitsSet(bench.bench.now, "me", {"gross_value": "250"}, f"strategy:{ALPHA}"))
    bench.feed(
        OrderRequested(bench.bench.now, "me", BTC, Side.BUY, OrderType.LIMIT, D(1), D(99), strategy=ALPHA)
    )  # closes the short leg
    assert bench.bench.said(DecisionMade)[-1].accepted
    bench.feed(
        OrderRequested(bench.bench.now, "me", BTC, Side.BUY, OrderType.LIMIT, D(1), D(98), strategy=ALPHA)
    )  # opens: the long leg would be 2 with 1 short
    made = bench.bench.said(DecisionMade)[-1]
    assert not made.accepted
    assert made.checks[-1].name == "strategy_gross"


# --- stops


def test_each_leg_keeps_the_stops_meant_for_it() -> None:
    bench = live()
    pair(bench, "1", "0.4", stops=True)
    bench.wait(3 * SECOND)
    assert stops(bench, Side.SELL) == [(80, 1)]
    assert stops(bench, Side.BUY) == [(120, D("0.4"))]


def test_a_pair_of_equal_legs_keeps_its_stops() -> None:
    bench = live()
    pair(bench, stops=True)
    bench.wait(3 * SECOND)
    assert (stops(bench, Side.SELL), stops(bench, Side.BUY)) == ([(80, 1)], [(120, 1)])


def test_a_stop_that_vanished_is_replaced_on_its_leg() -> None:
    bench = live()
    pair(bench, stops=True)
    gone = next(o for o in bench.venue.open_orders() if o.is_dormant and o.side is Side.SELL)
    bench.venue.cancel(gone)
    bench.hear()
    bench.wait(5 * SECOND)
    assert (stops(bench, Side.SELL), stops(bench, Side.BUY)) == ([(80, 1)], [(120, 1)])
    new = next(o for o in bench.venue.open_orders() if o.is_dormant and o.side is Side.SELL)
    assert (new.position_idx, new.reduce_only) == (1, True)


def test_a_leg_that_closes_takes_its_own_stops_along_and_no_other() -> None:
    bench = live()
    pair(bench)
    for idx, level in ((1, 80), (2, 120)):
        bench.feed(ProtectRequested(bench.bench.now, "me", BTC, ALPHA, stop_loss=D(level), position_idx=idx))
    assert (stops(bench, Side.SELL), stops(bench, Side.BUY)) == ([(80, 1)], [(120, 1)])
    fill(bench, rest(bench, Side.SELL, "1", "101"))
    assert legs(bench) == (0, -1)
    assert (stops(bench, Side.SELL), stops(bench, Side.BUY)) == ([], [(120, 1)])


def test_which_leg_of_a_pair_is_to_be_protected_has_to_be_said() -> None:
    bench = live()
    pair(bench)
    made = tell(bench, "protect", stop_loss=80)
    assert not made.accepted
    assert "leg" in made.checks[-1].reason
    assert tell(bench, "protect", stop_loss=80, leg="long").accepted
    assert tell(bench, "trail", distance=15, leg="short").accepted
    assert (stops(bench, Side.SELL), stops(bench, Side.BUY)) == ([(80, 1)], [(115, 1)])
    bench.quote(95)
    assert (stops(bench, Side.SELL), stops(bench, Side.BUY)) == ([(80, 1)], [(115, 1)])
    bench.wait(2 * SECOND)
    bench.quote(94)
    assert (stops(bench, Side.SELL), stops(bench, Side.BUY)) == ([(80, 1)], [(109, 1)])


def test_a_leg_nobody_holds_cannot_be_protected() -> None:
    bench = live()
    fill(bench, rest(bench, Side.BUY, "1", "99"))
    made = tell(bench, "protect", stop_loss=120, leg="short")
    assert not made.accepted
    assert "no position" in made.checks[-1].reason
    assert tell(bench, "protect", stop_loss=80).accepted  # the only leg there is


def test_a_leg_that_somebody_else_closed_is_not_closed_again() -> None:
    """There is nothing at the venue to close: a sale would open the short leg, again with each price."""
    bench = live()
    fill(bench, rest(bench, Side.BUY, "1", "99"))
    assert tell(bench, "protect", stop_loss=80).accepted
    foreign = bench.venue.place_foreign(BTC, Side.SELL, D(1), D(100), 1)
    bench.venue.fill(foreign, D(1), D(100))
    bench.hear()
    before = len(bench.bench.creates())
    for price in (79, 78, 77):
        bench.quote(price)
        bench.wait(3 * SECOND)
    assert len(bench.bench.creates()) == before
    bench.feed(CloseRequested(bench.bench.now, "me", BTC, ALPHA))
    assert len(bench.bench.creates()) == before
    assert "the venue holds nothing" in answer(bench)


def test_the_plans_of_both_legs_outlive_a_restart() -> None:
    bench = live()
    pair(bench, stops=True)
    engine, _ = bench.bench.reborn(bench.bench.engine.checkpoint(), [])
    assert engine.protections.wanted(ALPHA, BTC, 1) == (D(80), None)
    assert engine.protections.wanted(ALPHA, BTC, -1) == (D(120), None)
