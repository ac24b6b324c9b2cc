"""What protects a position: attached, set, paired, trailing, lost and replaced; and what never takes it away."""

from collections.abc import Callable
from decimal import Decimal as D
from typing import Any

import pytest

from tests.unit.engine.flow import Idle
from tests.unit.engine.harness import BTC, MINUTE, SECOND, SPOT, config
from tests.unit.engine.live import Live
from tests.unit.engine.venue import Resting
from tradectl.engine.config import StrategyConfig
from tradectl.engine.strategy import Strategy
from tradectl.engine.trading_engine import TradingEngine
from tradectl.model.commands import Alert, CancelOrder, Check, DecisionMade, ExecutionBooked, OrderChanged, RiskApproved
from tradectl.model.events import (
    CancelRequested,
    CloseRequested,
    DataDoubted,
    HaltRequested,
    OrderRequested,
    ProtectRequested,
    Reaction,
    ReconcileRequested,
    ResumeRequested,
    StopAnswered,
    StopRequested,
    StrategySwitched,
    WatchRequested,
)
from tradectl.model.market_data import Bar
from tradectl.model.orders import OrderType, Protection, Side, TradingStop

STOPS = Protection(D(120), D(80))


class Doing(Strategy):
    """Does on each bar what the test put there."""

    do: Callable[[Strategy], None] = staticmethod(lambda s: None)

    def on_start(self) -> None:
        self.subscribe_bars("BTCUSDT")

    def on_bar(self, bar: Bar) -> None:
        type(self).do(self)


def live(do: Callable[[Strategy], None] | None = None, **more: Any) -> Live:
    cls = type("Once", (Doing,), {"do": staticmethod(do or (lambda s: None))})
    strategies = (StrategyConfig(name="alpha", class_="doing"), StrategyConfig(name="beta", class_="idle"))
    return Live(config(*strategies, **more), {"doing": cls, "idle": Idle}, past={-1: 100.0, 0: 100.0})


def buy(bench: Live, qty: str = "1", protection: Protection | None = None, **more: Any) -> None:
    given = {"side": Side.BUY, "strategy": "alpha", "protection": protection, **more}
    side, instrument = given.pop("side"), given.pop("instrument", BTC)
    bench.feed(OrderRequested(bench.bench.now, "me", instrument, side, OrderType.MARKET, D(qty), **given))


def protect(bench: Live, strategy: str = "alpha", instrument: Any = BTC, **levels: Any) -> Check:
    bench.feed(ProtectRequested(bench.bench.now, "me", instrument, strategy, **levels))
    asked = [d for d in bench.bench.said(DecisionMade) if d.who == "me" and d.action in ("protect", "trail")]
    return asked[-1].checks[-1]


def stops(bench: Live) -> list[tuple[str, D, D]]:
    """Open conditional orders at the venue: which way, trigger, what is left."""
    found = [o for o in bench.venue.open_orders() if o.is_dormant]
    return sorted((("up" if o.trigger.rises else "down"), o.trigger.price, o.leaves) for o in found if o.trigger)


def of_venue(bench: Live, name: str) -> Resting:
    return next(o for o in bench.venue.open_orders() if o.stop_type == name)


BOTH = [("down", D(80), D(1)), ("up", D(120), D(1))]


# --- attached


def test_attached_stops_are_the_venues_and_belong_to_the_entrys_book() -> None:
    bench = live()
    buy(bench, protection=STOPS)
    assert stops(bench) == BOTH
    told = [o for o in bench.bench.said(OrderChanged) if o.parent]
    assert {(o.strategy, o.stop_type) for o in told} == {("alpha", "PartialStopLoss"), ("alpha", "PartialTakeProfit")}
    bench.quote(79.0)
    assert bench.position("alpha") == 0
    assert stops(bench) == []
    booked = bench.bench.said(ExecutionBooked)[-1]
    assert (booked.strategy, booked.position, booked.arrival) == ("alpha", 0, D(80))
    assert not [a for a in bench.bench.said(Alert) if a.code in ("external_trade", "stop_missing")]


def test_two_books_share_a_position_and_each_keeps_its_own_stops() -> None:
    bench = live()
    buy(bench, protection=Protection(None, D(80)))
    buy(bench, "2", Protection(None, D(90)), strategy="beta")
    bench.quote(89.0)
    assert (bench.position("alpha"), bench.position("beta")) == (1, 0)
    assert stops(bench) == [("down", D(80), D(1))]


def test_a_stop_the_venue_never_makes_is_asked_for_then_replaced_by_ours() -> None:
    bench = live()
    bench.venue.loses_stops = True
    buy(bench, protection=STOPS)
    assert stops(bench) == []
    bench.wait(20 * SECOND)
    assert stops(bench) == BOTH
    assert all(o.link_id and o.reduce_only for o in bench.venue.open_orders())
    alerts = [a for a in bench.bench.said(Alert) if a.code == "stop_missing"]
    bench.wait(MINUTE)
    assert stops(bench) == BOTH, "doubled"
    assert [a for a in bench.bench.said(Alert) if a.code == "stop_missing"] == alerts


def test_spot_is_protected_by_orders_of_ours() -> None:
    bench = live()
    buy(bench, "0.5", STOPS, instrument=SPOT)
    held = bench.bench.engine.world.portfolio.size("alpha", SPOT)
    needed = bench.bench.engine.world.instruments[SPOT].floor_qty(held)
    assert stops(bench) == [("down", D(80), needed), ("up", D(120), needed)]
    bench.quote(121.0)
    assert stops(bench) == []
    assert bench.bench.engine.world.portfolio.size("alpha", SPOT) < D("0.0005")


def test_spot_is_bought_for_an_amount() -> None:
    bench = live()
    buy(bench, "50", instrument=SPOT, quote_qty=True, strategy="")
    book = bench.bench.engine.world.portfolio.book("operator", SPOT)
    assert book.cash_flow - book.fees == -50
    assert bench.bench.engine.world.in_flight(SPOT, 1) == 0


# --- set by hand or by the strategy


def test_protect_sets_moves_and_removes_the_stops_of_a_position() -> None:
    bench = live()
    buy(bench)
    assert protect(bench, stop_loss=D(90), take_profit=D(110)).ok
    assert stops(bench) == [("down", D(90), D(1)), ("up", D(110), D(1))]
    assert protect(bench, stop_loss=D(95)).ok
    assert stops(bench) == [("down", D(95), D(1)), ("up", D(110), D(1))]
    assert protect(bench, take_profit=D(0)).ok
    assert stops(bench) == [("down", D(95), D(1))]


def test_the_stops_follow_the_size_and_go_when_the_position_is_closed() -> None:
    bench = live()
    buy(bench)
    protect(bench, stop_loss=D(90), take_profit=D(110))
    buy(bench, "0.5")
    assert stops(bench) == [("down", D(90), D("1.5")), ("up", D(110), D("1.5"))]
    buy(bench, "1.2", side=Side.SELL)
    assert stops(bench) == [("down", D(90), D("0.3")), ("up", D(110), D("0.3"))]
    bench.feed(CloseRequested(bench.bench.now, "me", BTC, "alpha"))
    assert stops(bench) == []
    assert bench.position("alpha") == 0


def test_whichever_leg_fills_first_the_pair_never_closes_more_than_the_book() -> None:
    bench = live(lambda s: s.oco("BTCUSDT", 1, take_profit=110, stop_loss=90, reason="exits"))
    buy(bench, "1.5")
    bench.bar(1, 100.0)
    assert stops(bench) == [("down", D(90), D(1)), ("up", D(110), D(1))]
    up = next(o for o in bench.venue.open_orders() if o.trigger is not None and o.trigger.rises)
    bench.venue.trigger(up)
    bench.venue.fill(up, D("0.8"), D(110))
    bench.hear()
    assert bench.position("alpha") == D("0.7")
    assert stops(bench) == [("down", D(90), D("0.7"))]


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"stop_loss": D(101)}, "stop_loss 101: it must be below 100"),
    ({"take_profit": D(99)}, "take_profit 99: it must be above 100"),
    ({"stop_loss": D("90.05")}, "a multiple of the tick"),
    ({"trailing": D(-1)}, "trailing -1: a distance is greater than 0"),
    ({"trailing": D(100)}, "trailing 100: a distance is below the price"),
    ({"trailing": D(5), "stop_loss": D(90)}, "a trailing stop moves the stop_loss itself"),
    ({"active_price": D(110), "stop_loss": D(90)}, "belongs to a trailing stop"),
    ({}, "nothing is to change"),
]


@pytest.mark.parametrize(("levels", "why"), REFUSED)
def test_what_cannot_protect_is_refused_in_words(levels: dict[str, Any], why: str) -> None:
    bench = live()
    buy(bench)
    check = protect(bench, **levels)
    assert not check.ok
    assert why in check.reason
    assert stops(bench) == []


def test_without_a_position_there_is_nothing_to_protect() -> None:
    check = protect(live(), stop_loss=D(90))
    assert "there is no position to protect; attach the stops to the entry instead" in check.reason


@pytest.mark.parametrize(
    ("do", "why"),
    [
        (lambda s: s.oco("BTCUSDT", 2, take_profit=110, stop_loss=90, reason="x"), "qty 2: a part of the position"),
        (lambda s: s.oco("BTCUSDT", "0.0005", take_profit=110, stop_loss=90, reason="x"), "a multiple of the lot"),
        (lambda s: s.oco("BTCUSDT", 1, take_profit=110, stop_loss=0, reason="x"), "an OCO has a take_profit and"),
        (lambda s: s.trail("BTCUSDT", percent=100, reason="x"), "a distance in per cent is below 100"),
        (lambda s: s.protect("ETHUSDT", stop_loss=90, reason="x"), "there is no position"),
        (lambda s: s.protect("NOPE", stop_loss=90, reason="x"), "is not an instrument"),
    ],
)
def test_a_strategy_is_refused_in_words(do: Callable[[Strategy], None], why: str) -> None:
    bench = live(do)
    buy(bench)
    bench.bar(1, 100.0)
    made = bench.bench.said(DecisionMade)[-1]
    assert not made.accepted
    assert why in made.checks[-1].reason


# --- trailing


def test_a_trailing_stop_follows_the_best_price_and_never_back() -> None:
    bench = live(lambda s: s.trail("BTCUSDT", distance=5, reason="trail"))
    buy(bench)
    bench.bar(1, 100.0)
    assert stops(bench) == [("down", D(95), D(1))]
    seen = []
    for price in (104.0, 103.0, 110.0, 108.0):
        bench.wait(2 * SECOND)
        bench.quote(price)
        seen += [trigger for _, trigger, _ in stops(bench)]
    assert seen == [D(99), D(99), D(105), D(105)]
    bench.quote(104.9)
    assert bench.position("alpha") == 0


def test_a_trailing_stop_is_moved_once_a_second_at_most_and_never_forgets_the_best() -> None:
    bench = live(lambda s: s.trail("BTCUSDT", percent=10, reason="trail"))
    buy(bench)
    bench.bar(1, 100.0)
    for price in (101.0, 102.0, 103.0, 102.0):
        bench.quote(price)
    assert len([c for c in bench.bench.said(RiskApproved) if c.amendment is not None]) == 0
    bench.wait(6 * SECOND)
    assert stops(bench) == [("down", D("92.7"), D(1))]


def test_a_trailing_stop_waits_for_its_activation_and_resumes_after_a_restart() -> None:
    bench = live(lambda s: s.trail("BTCUSDT", distance=5, activate=110, reason="trail"))
    buy(bench)
    bench.bar(1, 100.0)
    bench.wait(2 * SECOND)
    bench.quote(109.0)
    assert stops(bench) == []
    data = bench.bench.engine.checkpoint()
    bench.bench.engine = TradingEngine(bench.bench.config, bench.bench.classes)
    bench.bench.engine.restore(data)
    bench.quote(110.0)
    assert stops(bench) == [("down", D(105), D(1))]
    bench.wait(2 * SECOND)
    bench.quote(120.0)
    assert stops(bench) == [("down", D(115), D(1))]


def test_a_short_is_trailed_from_above() -> None:
    bench = live(lambda s: s.trail("BTCUSDT", distance=5, reason="trail"))
    buy(bench, side=Side.SELL)
    bench.bar(1, 100.0)
    bench.wait(2 * SECOND)
    bench.quote(90.0)
    assert stops(bench) == [("up", D(95), D(1))]


# --- lost and replaced


@pytest.mark.parametrize("who", ["venue", "person"])
def test_a_stop_somebody_cancelled_is_replaced_once_with_one_alert(who: str) -> None:
    bench = live()
    buy(bench)
    protect(bench, stop_loss=D(90))
    bench.wait(2 * SECOND)
    order = bench.venue.open_orders()[0]
    if who == "venue":
        bench.venue.cancel(order)
        bench.hear()
    else:
        bench.feed(CancelRequested(bench.bench.now, "me", order.link_id))
    bench.wait(10 * SECOND)
    assert stops(bench) == [("down", D(90), D(1))]
    assert len([a for a in bench.bench.said(Alert) if a.code == "stop_missing"]) == 1


def test_a_stop_that_vanished_while_nobody_looked_is_replaced_after_the_restart() -> None:
    bench = live()
    buy(bench)
    protect(bench, stop_loss=D(90))
    bench.venue.cancel(bench.venue.open_orders()[0])
    bench.venue.said.clear()
    data = bench.bench.engine.checkpoint()
    bench.bench.engine = TradingEngine(bench.bench.config, bench.bench.classes)
    bench.bench.engine.restore(data)
    bench._deliver(bench.bench.start(restored=True, next_order=100))
    bench.wait(10 * SECOND)
    assert stops(bench) == [("down", D(90), D(1))]


def test_a_stop_whose_price_passed_while_it_was_missing_closes_at_once() -> None:
    bench = live()
    buy(bench)
    protect(bench, stop_loss=D(90))
    bench.venue.cancel(bench.venue.open_orders()[0])
    bench.venue.said.clear()
    bench.quote(85.0)
    bench.feed(ReconcileRequested(bench.bench.now, "me"))
    bench.wait(10 * SECOND)
    assert bench.position("alpha") == 0
    assert "was passed without it" in [d for d in bench.bench.said(DecisionMade) if d.accepted][-1].reason


def test_a_stop_grows_at_once_when_another_book_lets_go_and_nobody_is_alarmed() -> None:
    """Long 3 against another book's 2: the venue's position is 1, and so is what a stop can close."""
    bench = live()
    buy(bench, "2", side=Side.SELL, strategy="beta")
    buy(bench, "3")
    protect(bench, stop_loss=D(80))
    assert stops(bench) == [("down", D(80), D(1))]
    buy(bench, "1", strategy="beta")
    assert stops(bench) == [("down", D(80), D(2))]
    buy(bench, "1", strategy="beta")
    assert stops(bench) == [("down", D(80), D(3))]
    assert [a.code for a in bench.bench.said(Alert)] == []


def test_what_other_books_hold_against_has_no_stop_until_they_let_go() -> None:
    bench = live()
    buy(bench)
    protect(bench, stop_loss=D(90))
    buy(bench, "1", side=Side.SELL, strategy="beta")
    bench.wait(10 * SECOND)
    buy(bench, "0.4", strategy="beta")
    bench.wait(10 * SECOND)
    assert sum(left for _, _, left in stops(bench)) >= D("0.4")


@pytest.mark.parametrize(("levels", "price"), [({"stop_loss": D(90)}, 89.0), ({"take_profit": D(110)}, 111.0)])
def test_a_book_the_venue_cannot_stop_is_closed_by_the_engine(levels: dict[str, D], price: float) -> None:
    """Flat at the venue: no reduce-only order could fire for either book."""
    bench = live()
    buy(bench)
    protect(bench, **levels)
    buy(bench, "1", side=Side.SELL, strategy="beta")
    protect(bench, "beta", stop_loss=D(130))
    bench.quote(100.5)
    assert (bench.position("alpha"), bench.position("beta")) == (1, -1)
    bench.quote(price)
    bench.wait(10 * SECOND)
    assert (bench.position("alpha"), bench.position("beta")) == (0, -1)
    assert stops(bench) == [("up", D(130), D(1))], "what was laid bare has its own stop now"
    closed = [d for d in bench.bench.said(DecisionMade) if d.strategy == "alpha" and "held no stop" in d.reason]
    assert len(closed) == 1


def test_what_the_venue_covers_and_what_it_cannot_are_closed_once_each() -> None:
    bench = live()
    buy(bench, "2", side=Side.SELL, strategy="beta")
    buy(bench, "3", protection=Protection(None, D(90)))
    assert sum(left for _, _, left in stops(bench)) >= 1
    bench.quote(89.0)
    bench.wait(10 * SECOND)
    assert (bench.position("alpha"), bench.position("beta")) == (0, -2)


def test_a_netted_stop_is_watched_after_a_restart_and_waits_for_a_halt_to_end() -> None:
    bench = live()
    buy(bench)
    protect(bench, stop_loss=D(90))
    buy(bench, "1", side=Side.SELL, strategy="beta")
    data = bench.bench.engine.checkpoint()
    bench.bench.engine = TradingEngine(bench.bench.config, bench.bench.classes)
    bench.bench.engine.restore(data)
    bench.feed(HaltRequested(bench.bench.now, "me"))
    bench.quote(89.0)
    bench.wait(10 * SECOND)
    assert bench.position("alpha") == 1, "flat at the venue: nothing is at stake while trading is halted"
    bench.feed(ResumeRequested(bench.bench.now, "me"))
    bench.wait(10 * SECOND)
    assert bench.position("alpha") == 0


# --- what never takes a stop away


PATHS: dict[str, Callable[[Live], None]] = {
    "halt": lambda b: b.feed(HaltRequested(b.bench.now, "me")),
    "reduce": lambda b: b.feed(HaltRequested(b.bench.now, "me", reduce=True)),
    "halt strategy": lambda b: b.feed(HaltRequested(b.bench.now, "me", strategy="alpha")),
    "halt symbol": lambda b: b.feed(HaltRequested(b.bench.now, "me", symbol="BTCUSDT")),
    "resume": lambda b: b.feed(ResumeRequested(b.bench.now, "me")),
    "stop": lambda b: b.feed(StopRequested(b.bench.now, "me")),
    "stop all": lambda b: b.feed(StopRequested(b.bench.now, "me", "all")),
    "disable": lambda b: b.feed(StrategySwitched(b.bench.now, "me", "alpha", False)),
    "cancel all": lambda b: b.feed(CancelRequested(b.bench.now, "me")),
    "cancel all of it": lambda b: b.feed(CancelRequested(b.bench.now, "me", "", "alpha", "BTCUSDT")),
    "watch": lambda b: b.feed(WatchRequested(b.bench.now, "me", BTC)),
    "doubt": lambda b: b.feed(DataDoubted(b.bench.now, BTC, "quotes", False, "gap")),
    "strategy cancels": lambda b: b.bar(2, 100.0),
    "time": lambda b: b.wait(MINUTE),
}


@pytest.mark.parametrize("path", list(PATHS))
@pytest.mark.parametrize("kind", ["attached", "own"])
def test_no_path_of_ours_takes_a_stop_from_an_open_position(path: str, kind: str) -> None:
    bench = live(lambda s: s.cancel(symbol="BTCUSDT", reason="clean up"))
    buy(bench, protection=STOPS if kind == "attached" else None)
    if kind == "own":
        protect(bench, stop_loss=D(80), take_profit=D(120))
    buy(bench, "0.1", strategy="alpha", trigger=None)
    bench.feed(OrderRequested(bench.bench.now, "me", BTC, Side.BUY, OrderType.LIMIT, D(1), D(70), strategy="alpha"))
    before = {o.order_id for o in bench.venue.open_orders() if o.is_dormant}
    PATHS[path](bench)
    bench.wait(10 * SECOND)
    assert before <= {o.order_id for o in bench.venue.open_orders()}
    assert bench.position("alpha") == D("1.1")


FLATTENING: dict[str, Callable[[Live], None]] = {
    "halt": lambda b: b.feed(HaltRequested(b.bench.now, "me", flatten=True)),
    "stop": lambda b: b.feed(StopRequested(b.bench.now, "me", "flatten")),
    "disable": lambda b: b.feed(StrategySwitched(b.bench.now, "me", "alpha", False, True)),
    "close": lambda b: b.feed(CloseRequested(b.bench.now, "me", BTC, "alpha")),
    "target": lambda b: b.bar(2, 100.0),
}


@pytest.mark.parametrize("path", list(FLATTENING))
def test_stops_stand_until_the_position_is_flat_and_go_then(path: str) -> None:
    bench = live(lambda s: s.close("BTCUSDT", reason="out"))
    buy(bench)
    protect(bench, stop_loss=D(80))
    stop = bench.venue.open_orders()[0].link_id
    FLATTENING[path](bench)
    bench.wait(10 * SECOND)
    assert bench.position("alpha") == 0
    assert stops(bench) == []
    said = [c for out in bench.bench.answers for c in out]
    ended = next(n for n, c in enumerate(said) if isinstance(c, CancelOrder) and c.link_id == stop)
    flat = next(n for n, c in enumerate(said) if isinstance(c, ExecutionBooked) and n > 0 and c.position == 0)
    assert flat < ended, "the stop was taken away before the position was closed"


def test_a_stop_is_replaced_even_in_a_halt() -> None:
    bench = live()
    buy(bench)
    protect(bench, stop_loss=D(90))
    bench.feed(HaltRequested(bench.bench.now, "me"))
    bench.venue.cancel(bench.venue.open_orders()[0])
    bench.hear()
    bench.wait(10 * SECOND)
    assert stops(bench) == [("down", D(90), D(1))]


# --- the whole position


def test_stops_of_the_whole_position_are_the_venues_and_set_again_when_gone() -> None:
    bench = live()
    buy(bench)
    assert protect(bench, strategy="", stop_loss=D(90)).ok
    assert bench.venue.position_stops[BTC, 0].stop_loss == D(90)
    bench.venue.position_stops[BTC, 0] = TradingStop(BTC)
    bench.feed(ReconcileRequested(bench.bench.now, "me"))
    bench.wait(10 * SECOND)
    assert bench.venue.position_stops[BTC, 0].stop_loss == D(90)
    assert [a.code for a in bench.bench.said(Alert) if a.code == "stop_missing"] == ["stop_missing"]
    assert not protect(bench, strategy="", instrument=SPOT, stop_loss=D(90)).ok


def test_stops_attached_for_the_whole_position_are_watched_there() -> None:
    bench = live()
    buy(bench, protection=Protection(None, D(80), partial=False))
    bench.venue.position_stops[BTC, 0] = TradingStop(BTC)
    for order in [o for o in bench.venue.open_orders() if o.parent]:
        bench.venue.cancel(order)
    bench.hear()
    bench.feed(ReconcileRequested(bench.bench.now, "me"))
    bench.wait(10 * SECOND)
    assert bench.venue.position_stops[BTC, 0].stop_loss == D(80)


def test_a_refused_change_of_the_positions_stops_is_told() -> None:
    bench = live()
    buy(bench)
    protect(bench, strategy="", stop_loss=D(90))
    now = bench.bench.now
    bench.feed(StopAnswered(now, BTC, 0, 10001, "StopLoss should be lower", Reaction.FIX))
    assert [a.code for a in bench.bench.said(Alert)][-1] == "stop_refused"


def test_a_busy_venue_is_asked_again_until_it_takes_the_stops() -> None:
    bench = live()
    buy(bench)
    protect(bench, strategy="", stop_loss=D(90))
    bench.venue.position_stops.clear()
    bench.feed(StopAnswered(bench.bench.now, BTC, 0, 10006, "busy", Reaction.RETRY))
    bench.wait(10 * SECOND)
    assert bench.venue.position_stops[BTC, 0].stop_loss == D(90)


def test_a_rate_limit_on_stops_holds_every_change_of_stops_back_until_it_ends() -> None:
    bench = live()
    buy(bench)
    protect(bench, strategy="", stop_loss=D(90))
    until = bench.bench.now + 3 * SECOND
    bench.feed(StopAnswered(bench.bench.now, BTC, 0, 10006, "busy", Reaction.RETRY, until))
    bench.venue.position_stops.clear()
    protect(bench, strategy="", stop_loss=D(80))
    assert (BTC, 0) not in bench.venue.position_stops, "a second instrument or change must not run into the limit again"
    assert bench.bench.engine.world.queue.next_at(bench.bench.now) == until
    bench.wait(4 * SECOND)
    assert bench.venue.position_stops[BTC, 0].stop_loss == D(80)
