"""Each check at its boundary: the last value that passes, the first that does not; refused, never clipped."""

import pytest

from tests.unit.engine.harness import BTC, ETH, SECOND, SPOT, Bench, config, instrument, ready
from tests.unit.engine.risk_bench import BUY, PLAIN, SELL, D, failed, fill, limits, place
from tradectl.engine.config import QueueLimits
from tradectl.model.commands import Check, DecisionMade, Level, RiskApproved
from tradectl.model.events import (
    Action,
    AmendRequested,
    DataDoubted,
    HaltRequested,
    InstrumentsLoaded,
    OrderAnswered,
    OrderRequested,
    QuoteChanged,
    Reaction,
    TickerChanged,
)
from tradectl.model.instruments import InstrumentId
from tradectl.model.market_data import Ticker
from tradectl.model.orders import OrderType, TimeInForce


@pytest.mark.parametrize(
    ("qty", "check"),
    [
        ("0.001", "min_notional"), ("0.0005", "quantity"), ("0", "quantity"), ("-1", "quantity"), ("NaN", "quantity"),
        ("Infinity", "quantity"), ("1E+60", "quantity"), ("1E+400", "quantity"), ("0.0505", "quantity"),
        ("0.05", ""), ("0.049", "min_notional"), ("500", ""), ("500.001", "quantity"), ("sNaN", "quantity"),
    ],
)  # fmt: skip
def test_quantity(qty: str, check: str) -> None:
    assert failed(place(ready(money=PLAIN), qty)) == check


@pytest.mark.parametrize(
    ("price", "check"),
    [
        ("100", ""), ("100.05", "price"), ("0", "price"), ("-5", "price"), ("NaN", "price"), ("1E+60", "price"),
        ("Infinity", "price"), ("9.9", "price"), ("10", ""), ("1000", ""), ("1000.1", "price"), ("1E-9", "price"),
    ],
)  # fmt: skip
def test_price(price: str, check: str) -> None:
    bench = ready(money=PLAIN)
    bounded = instrument(BTC, "0.1", "0.001", min_price=D(10), max_price=D(1000))
    bench.feed(InstrumentsLoaded(bench.now, (bounded,)))
    assert failed(place(bench, "1", price)) == check


def test_a_huge_price_without_a_bound_is_refused_in_words() -> None:
    bench = ready(money=PLAIN)
    assert failed(place(bench, "1", "1E+60", SELL)) == "order_size"
    assert failed(place(bench, "1", "1E+60")) == "price_band"
    assert failed(place(bench, "1", "1.00000000000000000000000000000000000000000000000000000000001", SELL)) == "price"


def test_a_limit_order_needs_a_price() -> None:
    assert failed(place(ready(), "1", type=OrderType.LIMIT)) == "price"


def test_an_instrument_that_is_not_trading_may_only_be_left() -> None:
    bench = ready(money=PLAIN)
    fill(bench, BUY, "1")
    bench.feed(InstrumentsLoaded(bench.now, (instrument(BTC, "0.1", "0.001", status="Closing"),)))
    assert failed(place(bench, "1")) == "instrument_status"
    assert failed(place(bench, "1.001", side=SELL)) == "instrument_status"
    assert failed(place(bench, "1", side=SELL)) == ""


def test_order_size_is_a_share_of_equity() -> None:
    bench = ready(config(risk=limits(order_share=D("0.02"))), money=PLAIN)
    assert failed(place(bench, "20", "100")) == ""
    assert failed(place(bench, "20.001", "100")) == "order_size"
    assert failed(place(bench, "19.9")) == ""  # a market order counts at the worst its collar allows: 100.5
    assert failed(place(bench, "19.901")) == "order_size"


def test_position_size_counts_everything_in_flight_at_its_worst() -> None:
    bench = ready(config(risk=limits(position_share=D("0.05"))), money=PLAIN)
    fill(bench, BUY, "20")
    assert failed(place(bench, "20", "100")) == ""  # rests: 40 if it fills
    assert failed(place(bench, "10.001", "100")) == "position_size"
    assert failed(place(bench, "10", "100")) == ""
    assert failed(place(bench, "70.001", "100", SELL)) == "position_size"  # the resting buys may never fill
    assert failed(place(bench, "70", "100", SELL)) == ""


def test_an_amendment_counts_at_its_worst_from_the_moment_it_is_accepted() -> None:
    bench = ready(config(risk=limits(position_share=D("0.05"))), money=PLAIN)
    assert failed(place(bench, "10", "100")) == ""
    link = bench.creates()[-1].link_id
    bench.feed(OrderAnswered(bench.now, link, Action.CREATE, 0, "", Reaction.OK, "v1"))
    amended = bench.feed(AmendRequested(bench.now, "me", link, D(40)))
    assert next(c for c in amended if isinstance(c, DecisionMade)).accepted
    assert failed(place(bench, "10.001", "100")) == "position_size"
    assert failed(place(bench, "10", "100")) == ""


@pytest.mark.parametrize(
    ("qty", "price", "check"),
    [("50.001", None, "position_size"), ("NaN", None, "quantity"), (None, "100.05", "price"), (None, None, "amend"),
     ("50", None, ""), (None, "90", "")],
)  # fmt: skip
def test_amendments_are_checked_like_orders(qty: str | None, price: str | None, check: str) -> None:
    bench = ready(config(risk=limits(position_share=D("0.05"))), money=PLAIN)
    place(bench, "10", "100")
    link = bench.creates()[-1].link_id
    bench.feed(OrderAnswered(bench.now, link, Action.CREATE, 0, "", Reaction.OK, "v1"))
    out = bench.feed(AmendRequested(bench.now, "me", link, D(qty) if qty else None, D(price) if price else None))
    decision = next(c for c in out if isinstance(c, DecisionMade))
    assert ("" if decision.accepted else decision.checks[-1].name) == check
    assert decision.accepted == any(isinstance(c, RiskApproved) for c in out)


def test_an_amendment_may_not_grow_a_reducing_order_past_the_checks() -> None:
    bench = ready(config(risk=limits(order_share=D("0.02"))), money=PLAIN)
    fill(bench, BUY, "1")
    place(bench, "1", "110", SELL)
    link = bench.creates()[-1].link_id
    bench.feed(OrderAnswered(bench.now, link, Action.CREATE, 0, "", Reaction.OK, "v1"))
    out = bench.feed(AmendRequested(bench.now, "me", link, D(30)))
    decision = next(c for c in out if isinstance(c, DecisionMade))
    assert decision.checks[-1].name == "order_size"


def test_an_amendment_is_checked_again_when_it_is_released() -> None:
    bench = ready(config(queue=QueueLimits(derivative_amend=1, batch=False)), money=PLAIN)
    links = []
    for _ in range(2):
        place(bench, "1", "90")
        links.append(bench.creates()[-1].link_id)
        bench.feed(OrderAnswered(bench.now, links[-1], Action.CREATE, 0, "", Reaction.OK, f"v{len(links)}"))
    for link in links:
        bench.feed(AmendRequested(bench.now, "me", link, None, D(91)))
    assert [c.amendment.link_id for c in bench.said(RiskApproved) if c.amendment] == links[:1]
    bench.engine.world.state.add("test", Level.REDUCING, "person", "a test", bench.now)
    bench.wait(2 * SECOND)
    assert [c.amendment.link_id for c in bench.said(RiskApproved) if c.amendment] == links[:1]
    assert bench.engine.world.orders[links[1]].reason.startswith("not amended")


def test_gross_exposure_adds_up_all_instruments() -> None:
    bench = ready(config(risk=limits(gross_share=D("0.10"))), money=PLAIN)
    fill(bench, BUY, "60")
    assert failed(place(bench, "40.01", "100", instrument=ETH)) == "gross_exposure"
    assert failed(place(bench, "40", "100", SELL, instrument=ETH)) == ""
    assert failed(place(bench, "0.1", "100", instrument=ETH)) == ""  # worst case of one instrument is one side of it
    assert failed(place(bench, "0.1", "100")) == "gross_exposure"


def test_gross_exposure_grows_with_the_allowed_leverage() -> None:
    bench = ready(config(risk=limits(gross_share=D("0.10"), leverage=D(2))), money=PLAIN)
    assert failed(place(bench, "200", "100")) == ""
    assert failed(place(bench, "0.1", "100")) == "gross_exposure"


def test_the_price_band_stops_what_would_trade_at_once_too_far_away() -> None:
    bench = ready(config(risk=limits(limit_band_share=D("0.05"))), money=PLAIN)
    assert failed(place(bench, "1", "105")) == ""
    assert failed(place(bench, "1", "105.1")) == "price_band"
    assert failed(place(bench, "1", "50")) == ""
    assert failed(place(bench, "1", "95", SELL)) == ""
    assert failed(place(bench, "1", "94.9", SELL)) == "price_band"


def test_the_venues_narrower_band_wins() -> None:
    bench = ready(money=PLAIN)
    bench.feed(InstrumentsLoaded(bench.now, (instrument(BTC, "0.1", "0.001", price_limit_y=D("0.01")),)))
    assert failed(place(bench, "1", "101")) == ""
    assert failed(place(bench, "1", "101.1")) == "price_band"


def test_market_orders_stay_within_the_collar() -> None:
    bench = ready(config(risk=limits(collar_share=D("0.005"))), money=PLAIN)
    bench.feed(QuoteChanged(bench.now, bench.now, BTC, 99.5, 1.0, 100.5, 1.0))
    assert failed(place(bench, "1")) == ""
    bench.feed(QuoteChanged(bench.now, bench.now, BTC, 99.4, 1.0, 100.6, 1.0))
    assert failed(place(bench, "1")) == "market_collar"
    assert failed(place(bench, "1", side=SELL)) == "market_collar"
    assert failed(place(bench, "1", "100")) == ""


def test_stale_and_doubtful_markets_let_nothing_in_and_everything_out() -> None:
    bench = ready(config(risk=limits(stale_quote_seconds=120)), money=PLAIN)
    fill(bench, BUY, "1")
    for kind in ("quotes", "trades"):
        bench.feed(DataDoubted(bench.now, BTC, kind, False, "out of sequence"))
    bench.feed(DataDoubted(bench.now, BTC, "quotes", True))
    assert failed(place(bench, "1", "100")) == "market_data"  # one stream is right again, the other is not
    bench.feed(DataDoubted(bench.now, BTC, "trades", True))
    assert failed(place(bench, "1", "100")) == ""
    bench.now += 120 * SECOND
    assert failed(place(bench, "1", "100")) == ""
    bench.now += 1
    assert failed(place(bench, "1", "100")) == "market_data"
    assert failed(place(bench, "0.5", side=SELL)) == ""


def test_without_any_price_nothing_is_bought() -> None:
    bench = Bench()
    bench.start()
    out = bench.feed(OrderRequested(bench.now, "me", BTC, BUY, OrderType.LIMIT, D(1), D(100)))
    assert not next(c for c in out if isinstance(c, DecisionMade)).accepted


def test_spot_needs_the_coins() -> None:
    bench = ready(money={"USDT": D(1_000), "BTC": D("0.5")})
    assert failed(place(bench, "10", "100", instrument=SPOT)) == ""
    assert failed(place(bench, "0.05", "100", instrument=SPOT)) == "balance"  # the first one locks it all
    assert failed(place(bench, "0.5001", "100", SELL, instrument=SPOT)) == "balance"
    assert failed(place(bench, "0.3", "100", SELL, instrument=SPOT)) == ""
    assert failed(place(bench, "0.2001", "100", SELL, instrument=SPOT)) == "balance"
    assert failed(place(bench, "0.2", "100", SELL, instrument=SPOT)) == ""


def test_open_orders_are_counted() -> None:
    bench = ready(config(risk=limits(open_orders=3)), money=PLAIN)
    assert [failed(place(bench, "1", "90")) for _ in range(4)] == ["", "", "", "open_orders"]


def test_new_orders_per_second_and_minute_are_counted() -> None:
    bench = ready(config(risk=limits(orders_per_second=2, orders_per_minute=3)), money=PLAIN)
    assert [failed(place(bench, "1", "90")) for _ in range(3)] == ["", "", "order_rate"]
    bench.now += SECOND
    assert [failed(place(bench, "1", "90")) for _ in range(2)] == ["", "order_rate"]
    bench.now += 59 * SECOND
    assert failed(place(bench, "1", "90")) == ""


def test_reduce_only_is_honoured_or_refused_never_dropped() -> None:
    bench = ready(money=PLAIN)
    assert failed(place(bench, "1", "110", SELL, reduce_only=True)) == "reduce_only"
    fill(bench, BUY, "1")
    assert failed(place(bench, "1.001", "110", SELL, reduce_only=True)) == "reduce_only"
    assert failed(place(bench, "1", "110", SELL, reduce_only=True)) == ""
    assert bench.creates()[-1].reduce_only
    assert failed(place(bench, "0.1", "90", BUY, reduce_only=True)) == "reduce_only"


def test_an_unknown_symbol_or_strategy_is_refused_in_words() -> None:
    bench = ready()
    nope = InstrumentId(BTC.category, "NOPE")
    assert failed(place(bench, "1", instrument=nope)) == "instrument"
    out = bench.feed(OrderRequested(bench.now, "me", BTC, BUY, OrderType.MARKET, D(1), strategy="nobody"))
    assert [c.code for c in out if hasattr(c, "code")] == ["UNKNOWN_STRATEGY"]
    assert "nobody" not in bench.engine.world.numbers


def test_a_refusal_leaves_no_trace() -> None:
    bench = ready(config(risk=limits(order_share=D("0.02"))), money=PLAIN)
    place(bench, "1", "90")
    world = bench.engine.world
    before = (world.order_seq, list(world.orders), list(world.open.orders), world.queue.state, dict(world.numbers))
    assert failed(place(bench, "50", "90")) == "order_size"
    after = (world.order_seq, list(world.orders), list(world.open.orders), world.queue.state, dict(world.numbers))
    assert before == after


def test_what_is_queued_is_checked_again_when_it_is_released() -> None:
    bench = ready(config(queue=QueueLimits(derivative_create=2, reserve=1, batch=False)), money=PLAIN)
    place(bench, "1", "90")
    place(bench, "1", "90")
    assert len(bench.creates()) == 1
    bench.engine.world.state.add("test", Level.REDUCING, "person", "a test", bench.now)
    bench.wait(2 * SECOND)
    assert len(bench.creates()) == 1
    orders = list(bench.engine.world.orders.values())
    assert [o.status.value for o in orders] == ["Sent", "Refused"]
    assert "a test" in orders[1].reason


def test_a_queued_order_is_amended_where_it_stands() -> None:
    bench = ready(config(queue=QueueLimits(derivative_create=2, reserve=1, batch=False)), money=PLAIN)
    place(bench, "1", "90")
    queued = place(bench, "1", "90").orders[0]
    bench.feed(AmendRequested(bench.now, "me", queued, D(2), D(91)))
    assert not [c for c in bench.said(RiskApproved) if c.amendment]
    bench.wait(2 * SECOND)
    assert (bench.creates()[-1].qty, bench.creates()[-1].price) == (D(2), D(91))


def test_every_accepted_decision_carries_its_checks() -> None:
    checks: tuple[Check, ...] = place(ready(money=PLAIN), "1", "100", time_in_force=TimeInForce.POST_ONLY).checks
    assert all(c.ok and not c.reason for c in checks)
    assert {"quantity", "price", "trading_state", "price_band", "position_size", "gross_exposure"} <= {
        c.name for c in checks
    }


def test_halting_is_for_everyone_but_a_person_who_closes() -> None:
    bench = ready(money=PLAIN)
    fill(bench, BUY, "1")
    bench.feed(HaltRequested(bench.now, "me"))
    assert failed(place(bench, "0.1")) == "trading_state"
    assert failed(place(bench, "1.001", side=SELL)) == "trading_state"
    assert failed(place(bench, "1", side=SELL)) == ""


def test_marks_come_from_the_ticker_and_last_prices_where_there_is_none() -> None:
    bench = ready(money=PLAIN)
    bench.feed(TickerChanged(bench.now, bench.now, BTC, Ticker(200.0, 100.0)))
    assert failed(place(bench, "1", "100")) == ""
    assert bench.engine.world.market.mark(BTC) == D(100)
