"""The checks of a market-access rule at their boundaries: the last order that passes, the first that does not."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from tests.unit.engine.harness import BTC, ETH, SECOND, SPOT, Bench, config, instrument, ready
from tests.unit.engine.risk_bench import BUY, PLAIN, SELL, D, failed, fill, limits, place
from tradectl.engine.config import ScopeLimits, StrategyConfig
from tradectl.engine.strategy import Strategy
from tradectl.model.commands import DecisionMade
from tradectl.model.events import (
    Action,
    AmendRequested,
    InstrumentsLoaded,
    OrderAnswered,
    PositionsReported,
    QuoteChanged,
    Reaction,
    TickerChanged,
)
from tradectl.model.instruments import Category, FeeRate, InstrumentId
from tradectl.model.market_data import Ticker
from tradectl.model.orders import Protection, SelfMatch, Trigger
from tradectl.model.positions import PositionReport

ONE, TWO = StrategyConfig(name="one", class_="idle"), StrategyConfig(name="two", class_="idle")


class Idle(Strategy):
    """Does nothing: its book is moved by hand."""


def bench_of(scoped: dict[str, ScopeLimits] | None = None, groups: Any = None, **changed: Any) -> Bench:
    """An account of 100,000 USDT, prices of 100, two idle strategies."""
    cfg = config(ONE, TWO, risk=limits(**changed), scoped=scoped or {}, groups=groups or {})
    return ready(cfg, {"idle": Idle}, money=PLAIN)


# --- sizes


def test_order_value_is_an_amount() -> None:
    bench = bench_of(order_value=D(1000))
    assert failed(place(bench, "10", "100")) == ""
    assert failed(place(bench, "10.001", "100")) == "order_value"


def test_position_value_is_an_amount() -> None:
    bench = bench_of(position_value=D(2000))
    fill(bench, BUY, "10")
    assert failed(place(bench, "10.001", "100")) == "position_size"
    assert failed(place(bench, "10", "100")) == ""


def test_a_position_is_valued_at_mark_where_the_order_is_below() -> None:
    bench = bench_of(position_value=D(1000))
    assert failed(place(bench, "10.001", "90")) == "position_size"
    assert failed(place(bench, "10", "90")) == ""


def test_a_strategys_position_is_its_own_book() -> None:
    bench = bench_of({"strategy:one": ScopeLimits(position_value=D(1000))})
    fill(bench, BUY, "50")  # the operator's
    assert failed(place(bench, "10.001", "100", strategy="one")) == "strategy_position"
    assert failed(place(bench, "10", "100", strategy="one")) == ""
    assert failed(place(bench, "10.001", "100", strategy="two")) == ""


def test_limits_of_every_strategy_hold_for_those_without_their_own() -> None:
    scoped = {"strategy:*": ScopeLimits(position_value=D(1000)), "strategy:two": ScopeLimits(position_value=D(2000))}
    bench = bench_of(scoped)
    assert failed(place(bench, "15", "100", strategy="one")) == "strategy_position"
    assert failed(place(bench, "15", "100", strategy="two")) == ""


def test_a_symbol_and_a_group_narrow_the_position() -> None:
    scoped = {"symbol:BTCUSDT": ScopeLimits(position_value=D(500)), "group:all": ScopeLimits(position_value=D(800))}
    bench = bench_of(scoped, {"all": ("*USDT",)})
    assert failed(place(bench, "5.001", "100")) == "position_size"
    assert failed(place(bench, "5", "100")) == ""
    assert failed(place(bench, "8.01", "100", instrument=ETH)) == "position_size"
    assert failed(place(bench, "8", "100", instrument=ETH)) == ""


def test_concentration_counts_once_there_is_something_to_count() -> None:
    bench = bench_of(concentration_share=D("0.5"), concentration_from_share=D("0.1"))
    assert failed(place(bench, "100", "100")) == ""  # 10 % of equity: all of it in one symbol, and that is nothing yet
    assert failed(place(bench, "0.1", "100")) == "concentration"
    assert failed(place(bench, "100", "100", instrument=ETH)) == ""
    assert failed(place(bench, "0.1", "100", instrument=ETH)) == "concentration"


# --- sums


def test_gross_value_is_an_amount() -> None:
    bench = bench_of(gross_value=D(3000))
    fill(bench, BUY, "20")
    assert failed(place(bench, "10.01", "100", SELL, instrument=ETH)) == "gross_exposure"
    assert failed(place(bench, "10", "100", SELL, instrument=ETH)) == ""


def test_net_exposure_counts_longs_less_shorts_in_the_orders_direction() -> None:
    bench = bench_of(net_share=D("0.021"))
    fill(bench, BUY, "20")
    assert failed(place(bench, "1.01", "100", instrument=ETH)) == "net_exposure"
    assert failed(place(bench, "41.01", "100", SELL, instrument=ETH)) == "net_exposure"
    assert failed(place(bench, "41", "100", SELL, instrument=ETH)) == ""
    assert failed(place(bench, "1.01", "100", instrument=ETH)) == "net_exposure"  # resting sells may never fill


def test_a_strategys_exposure_is_its_own() -> None:
    scoped = {"strategy:one": ScopeLimits(gross_value=D(2000), net_share=D("0.01"))}
    bench = bench_of(scoped)
    fill(bench, BUY, "90", instrument_id=ETH)  # the operator's counts nothing here
    assert failed(place(bench, "10.001", "100", strategy="one")) == "strategy_net"
    assert failed(place(bench, "10", "100", strategy="one")) == ""
    assert failed(place(bench, "10.01", "100", SELL, strategy="one", instrument=ETH)) == "strategy_gross"
    assert failed(place(bench, "10", "100", SELL, strategy="one", instrument=ETH)) == ""


def test_a_group_counts_together() -> None:
    scoped = {"group:majors": ScopeLimits(gross_value=D(3000), net_share=D("0.02"))}
    bench = bench_of(scoped, {"majors": ("BTCUSDT", "ETHUSDT")})
    fill(bench, BUY, "15")
    assert failed(place(bench, "5.01", "100", instrument=ETH)) == "group_net"
    assert failed(place(bench, "5", "100", instrument=ETH)) == ""
    assert failed(place(bench, "15.01", "100", SELL, instrument=ETH)) == "group_gross"
    assert failed(place(bench, "15", "100", SELL, instrument=ETH)) == ""


def test_initial_margin_with_its_fee_fits_into_equity() -> None:
    bench = bench_of(margin_share=D("0.5"), leverage=D(2))
    info = instrument(BTC, "0.1", "0.001", max_leverage=D(10))
    bench.feed(InstrumentsLoaded(bench.now, (info,), (FeeRate(BTC, D("0.0002"), D("0.0005")),)))
    assert failed(place(bench, "999.001", "100")) == "margin"  # 49,950 of margin and 50 of fee
    assert failed(place(bench, "999", "100")) == ""


def test_margin_counts_the_instruments_own_leverage() -> None:
    bench = bench_of(margin_share=D("0.1"), leverage=D(5))
    assert failed(place(bench, "100", "100")) == "margin"  # BTC allows 1 x
    bench.feed(InstrumentsLoaded(bench.now, (instrument(BTC, "0.1", "0.001", max_leverage=D(10)),)))
    assert failed(place(bench, "100", "100")) == ""


def test_leverage_counts_derivatives_alone() -> None:
    bench = bench_of(gross_share=D(1), leverage=D("1.5"))
    fill(bench, BUY, "500")
    fill(bench, BUY, "500", instrument_id=ETH)
    assert failed(place(bench, "499", "100")) == ""
    assert failed(place(bench, "1.01", "100", instrument=ETH)) == "gross_exposure"
    worst = bench.engine.risk.what_if(bench.engine.desk.candidate(_wish(bench, "2", ETH), D(2)))
    assert {c.name for c in worst if not c.ok} == {"gross_exposure", "leverage"}


def _wish(bench: Bench, qty: str, instrument_id: InstrumentId = BTC) -> Any:
    from tradectl.engine.wish import Wish

    info = bench.engine.world.instruments[instrument_id]
    return Wish("operator", info, BUY, (D(qty),), "place", "", price=D(100))


def test_an_inverse_contract_counts_one_unit_of_quote_coin() -> None:
    bench = bench_of(order_value=D(1000))
    inverse = InstrumentId(Category.INVERSE, "BTCUSD")
    info = replace(instrument(inverse, "0.5", "1", "0"), base_coin="BTC", quote_coin="USD", settle_coin="BTC",
                   max_limit_qty=D(10_000))  # fmt: skip
    bench.feed(InstrumentsLoaded(bench.now, (info,)))
    bench.quote(inverse, 50_000)
    assert failed(place(bench, "1001", "50000", instrument=inverse)) == "order_value"
    assert failed(place(bench, "1000", "50000", instrument=inverse)) == ""


def test_a_sold_option_counts_what_lies_under_it() -> None:
    bench = bench_of(order_value=D(1000))
    option = InstrumentId(Category.OPTION, "BTC-27JUN25-100-C")
    info = replace(instrument(option, "0.1", "0.1", "0"), base_coin="BTC", quote_coin="USDT")
    bench.feed(InstrumentsLoaded(bench.now, (info,)))
    bench.feed(TickerChanged(bench.now, bench.now, option, Ticker(5.0, 5.0, 200.0)))
    assert failed(place(bench, "5.1", "5", SELL, instrument=option)) == "order_value"
    assert failed(place(bench, "5", "5", SELL, instrument=option)) == ""
    assert failed(place(bench, "200", "5", instrument=option)) == ""


def test_a_pair_quoted_in_another_coin_needs_that_coins_price() -> None:
    bench = bench_of()
    cross = InstrumentId(Category.LINEAR, "ETHXAU")
    info = replace(instrument(cross, "0.01", "0.01"), base_coin="ETH", quote_coin="XAU", settle_coin="XAU")
    bench.feed(InstrumentsLoaded(bench.now, (info,)))
    bench.quote(cross, 100)
    assert failed(place(bench, "1", "100", instrument=cross)) == "market_data"


# --- market


def test_price_collar_and_band_look_at_last_too() -> None:
    bench = bench_of(collar_share=D("0.01"), limit_band_share=D("0.05"))
    bench.feed(TickerChanged(bench.now, bench.now, BTC, Ticker(99.0, 100.0)))
    bench.feed(QuoteChanged(bench.now, bench.now, BTC, 99.9, 1.0, 100.0, 1.0))
    assert failed(place(bench, "1")) == "market_collar"  # 1.01 % above last
    bench.feed(QuoteChanged(bench.now, bench.now, BTC, 99.9, 1.0, 99.9, 1.0))
    assert failed(place(bench, "1")) == ""
    assert failed(place(bench, "1", "104")) == "price_band"  # the edge is 5 % above last: 103.95
    assert failed(place(bench, "1", "103.9")) == ""


@pytest.mark.parametrize(
    ("bid", "ask", "locked", "check"),
    [(100.0, 100.1, True, ""), (100.0, 100.0, True, "crossed_market"), (100.1, 100.0, True, "crossed_market"),
     (100.0, 100.0, False, ""), (100.1, 100.0, False, "crossed_market")],
)  # fmt: skip
def test_a_crossed_or_locked_market_lets_nothing_in(bid: float, ask: float, locked: bool, check: str) -> None:
    bench = bench_of(refuse_locked=locked)
    bench.feed(QuoteChanged(bench.now, bench.now, BTC, bid, 1.0, ask, 1.0))
    assert failed(place(bench, "1", "100")) == check


def test_a_crossed_market_lets_everything_out() -> None:
    bench = bench_of()
    fill(bench, BUY, "1")
    bench.feed(QuoteChanged(bench.now, bench.now, BTC, 100.1, 1.0, 100.0, 1.0))
    assert failed(place(bench, "1", side=SELL)) == ""


def test_what_waits_for_a_trigger_is_compared_with_it() -> None:
    bench = bench_of(limit_band_share=D("0.05"), order_value=D(1000))
    trigger = Trigger(D(110), True)
    assert failed(place(bench, "1", "115.6", trigger=trigger)) == "price_band"
    assert failed(place(bench, "1", "115.5", trigger=trigger)) == ""
    assert failed(place(bench, "9.1", trigger=trigger)) == "order_value"  # at 110 and the collar above it
    assert failed(place(bench, "9", trigger=trigger)) == ""


# --- permission


@pytest.mark.parametrize(
    ("allow", "deny", "check"),
    [(("*",), (), ""), (("ETH*",), (), "restricted_symbol"), (("BTC*",), (), ""),
     (("*",), ("BTC*",), "restricted_symbol"),
     (("linear:*",), (), ""), (("spot:*",), (), "restricted_symbol"), ((), (), "restricted_symbol"),
     (("BTCUSDT",), ("BTCUSDT",), "restricted_symbol")],
)  # fmt: skip
def test_restricted_symbols(allow: tuple[str, ...], deny: tuple[str, ...], check: str) -> None:
    assert failed(place(bench_of(allow=allow, deny=deny), "1", "100")) == check


def test_a_restricted_symbol_may_be_left() -> None:
    bench = bench_of()
    fill(bench, BUY, "1")
    bench.engine.world.limits.change("", {"deny": "BTC*"})
    assert failed(place(bench, "0.5", side=SELL)) == ""
    assert failed(place(bench, "0.5")) == "restricted_symbol"


def test_a_symbol_outside_the_universe_takes_no_entries() -> None:
    bench = bench_of()
    bench.engine.world.entry_veto = lambda strategy, i: "not a member" if i == BTC and strategy == "one" else ""
    decisions = (_intent(bench, "one"), _intent(bench, "two"))
    assert [failed(d) for d in decisions] == ["universe", ""]


def _intent(bench: Bench, strategy: str, qty: str = "1", price: str = "100", **more: Any) -> DecisionMade:
    """A strategy's own order, not a person's."""
    from tradectl.engine.wish import Wish

    info = bench.engine.world.instruments[BTC]
    side = more.pop("side", BUY)
    made = bench.engine.desk.place(
        Wish(strategy, info, side, (D(qty),), "order", "", more.pop("type", _limit()), D(price), **more)
    )
    bench.engine.world.out.clear()
    return made


def _limit() -> Any:
    from tradectl.model.orders import OrderType

    return OrderType.LIMIT


def test_where_a_stop_is_required_an_entry_brings_one() -> None:
    bench = bench_of(require_stop=True)
    assert failed(place(bench, "1", "100")) == "protection"
    assert failed(place(bench, "1", "100", protection=Protection(take_profit=D(110)))) == "protection"
    assert failed(place(bench, "1", "100", protection=Protection(stop_loss=D(90)))) == ""


# --- behaviour


def test_open_orders_of_a_symbol_and_a_strategy() -> None:
    scoped = {"symbol:BTCUSDT": ScopeLimits(open_orders=2), "strategy:one": ScopeLimits(open_orders=1)}
    bench = bench_of(scoped)
    assert failed(place(bench, "1", "90", strategy="one")) == ""
    assert failed(place(bench, "1", "90", strategy="one")) == "open_orders"
    assert failed(place(bench, "1", "91")) == ""
    assert failed(place(bench, "1", "92")) == "open_orders"
    assert failed(place(bench, "1", "92", instrument=ETH)) == ""


def test_the_order_rate_of_a_strategy() -> None:
    bench = bench_of({"strategy:one": ScopeLimits(orders_per_second=2, orders_per_minute=3)})
    assert [failed(place(bench, "1", "90", strategy="one")) for _ in range(3)] == ["", "", "order_rate"]
    assert failed(place(bench, "1", "90", strategy="two")) == ""
    bench.now += SECOND
    assert [failed(place(bench, "1", "90", strategy="one")) for _ in range(2)] == ["", "order_rate"]
    bench.now += 59 * SECOND
    assert failed(place(bench, "1", "90", strategy="one")) == ""


def amended(bench: Bench, link: str, price: str) -> str:
    out = bench.feed(AmendRequested(bench.now, "me", link, None, D(price)))
    return failed_amend(next(c for c in out if isinstance(c, DecisionMade)))


def failed_amend(decision: DecisionMade) -> str:
    return "" if decision.accepted else decision.checks[-1].name


def test_amendments_per_second_and_minute_are_counted() -> None:
    bench = bench_of({"strategy:one": ScopeLimits(amends_per_minute=1)}, amends_per_second=2, amends_per_minute=3)
    links = []
    for name in ("", "one"):
        links += place(bench, "1", "90", strategy=name).orders
        bench.feed(OrderAnswered(bench.now, links[-1], Action.CREATE, 0, "", Reaction.OK, f"v-{links[-1]}"))
    assert [amended(bench, links[0], p) for p in ("91", "92", "93")] == ["", "", "amend_rate"]
    bench.now += SECOND
    assert [amended(bench, links[1], p) for p in ("91", "92")] == ["", "amend_rate"]
    bench.now += SECOND
    assert amended(bench, links[0], "94") == "amend_rate"
    bench.now += 59 * SECOND
    assert amended(bench, links[0], "94") == ""


def test_the_same_entry_again_and_again_is_a_loop() -> None:
    bench = bench_of(repeat_orders=2, repeat_seconds=60)
    assert [failed(_intent(bench, "one")) for _ in range(3)] == ["", "", "repeated_execution"]
    assert failed(_intent(bench, "one", side=SELL)) == ""
    assert failed(_intent(bench, "two")) == ""
    bench.feed(QuoteChanged(bench.now + 60 * SECOND, bench.now, BTC, 100.0, 1.0, 100.0, 1.0))
    assert failed(_intent(bench, "one")) == ""


def test_an_algorithms_many_orders_are_one_entry() -> None:
    bench = bench_of(repeat_orders=1)
    assert [failed(_intent(bench, "one", algorithm=7)) for _ in range(3)] == ["", "", ""]
    assert failed(_intent(bench, "one", algorithm=8)) == "repeated_execution"


def test_the_slices_of_one_decision_are_one_entry_and_no_duplicates() -> None:
    from tradectl.engine.wish import Wish

    bench = bench_of(repeat_orders=1, duplicate_ms=500)
    info = bench.engine.world.instruments[BTC]
    made = bench.engine.desk.place(Wish("one", info, BUY, (D(1), D(1), D(1)), "target", ""))
    assert made.accepted
    assert len(made.orders) == 3


def test_a_book_turned_against_others_is_one_intent_and_no_duplicate() -> None:
    """Long 3 of a net of 1, to short 2: one closes the net, two close against the other book, two open: 1, 2, 2."""
    from tradectl.engine.wish import Wish

    bench = bench_of(duplicate_ms=500)
    fill(bench, BUY, "3", strategy="one")
    fill(bench, SELL, "2", strategy="two")
    info = bench.engine.world.instruments[BTC]
    made = bench.engine.targets.to_size("one", info, D(-2), "target", "turn")
    assert [(d.qty, d.accepted) for d in made] == [(1, True), (2, True), (2, True)]
    assert failed(bench.engine.desk.place(Wish("one", info, SELL, (D(2),), "order", ""))) == "duplicate_intent"


def test_the_slices_of_one_decision_count_for_the_rate() -> None:
    from tradectl.engine.wish import Wish

    bench = bench_of(orders_per_second=2)
    info = bench.engine.world.instruments[BTC]
    assert failed(bench.engine.desk.place(Wish("one", info, BUY, (D(1),) * 3, "target", ""))) == "order_rate"
    assert bench.engine.desk.place(Wish("one", info, BUY, (D(1),) * 2, "target", "")).accepted


def test_the_very_same_order_within_a_moment_is_a_mistake() -> None:
    bench = bench_of(duplicate_ms=500)
    assert failed(place(bench, "1", "90")) == ""
    bench.now += 499_999_999
    assert failed(place(bench, "1", "90")) == "duplicate_intent"
    assert [failed(place(bench, *o)) for o in (("1", "91"), ("2", "90"), ("1", "100", SELL))] == ["", "", ""]
    assert failed(place(bench, "1", "90", instrument=ETH)) == ""
    assert failed(place(bench, "1", "90", strategy="one")) == ""
    bench.now += 1
    assert failed(place(bench, "1", "90")) == ""


def test_an_entry_does_not_meet_an_order_of_our_own() -> None:
    bench = bench_of(refuse_self_trade=True)
    resting = place(bench, "1", "100", strategy="one").orders[0]
    assert failed(place(bench, "1", "100", SELL)) == "self_trade"
    assert failed(place(bench, "1", side=SELL)) == "self_trade"
    assert failed(place(bench, "1", "100.1", SELL)) == ""
    bench.feed(OrderAnswered(bench.now, resting, Action.CREATE, 0, "", Reaction.OK, "v1"))
    bench.engine.desk.cancel(bench.engine.world.orders[resting], "a test")
    assert failed(place(bench, "1", "100", SELL)) == ""  # on its way out: cancels go first


def test_what_reduces_cancels_the_entry_it_meets_and_never_a_protective_order() -> None:
    bench = bench_of(refuse_self_trade=True)
    fill(bench, BUY, "2")
    place(bench, "1", "99", strategy="one")
    assert failed(place(bench, "1", side=SELL)) == ""
    assert bench.creates()[-1].self_match is SelfMatch.CANCEL_MAKER
    other = bench_of(refuse_self_trade=True)
    fill(other, BUY, "1")
    assert failed(place(other, "1", side=SELL)) == ""
    assert other.creates()[-1].self_match is SelfMatch.NONE  # there is nothing to meet


def test_a_protective_order_is_never_the_one_that_gives_way() -> None:
    bench = bench_of(refuse_self_trade=True)
    fill(bench, BUY, "2")
    resting = place(bench, "0.5", "99", strategy="one")
    order = bench.engine.world.orders[resting.orders[0]]
    order.leg = "take_profit"  # as the protection desk marks its own
    assert order.protective
    assert failed(place(bench, "1", side=SELL)) == ""
    assert bench.creates()[-1].self_match is SelfMatch.NONE


# --- losses and what holding costs


def test_funding_that_would_cost_too_much() -> None:
    bench = bench_of(funding_share=D("0.001"))  # 100 USDT
    bench.feed(TickerChanged(bench.now, bench.now, BTC, Ticker(100.0, 100.0, funding_rate=0.01)))
    assert failed(place(bench, "100.001", "100")) == "funding_cost"
    assert failed(place(bench, "500", "100", SELL)) == ""  # shorts are paid
    assert failed(place(bench, "100", "100")) == ""


def test_a_position_near_its_liquidation_does_not_grow() -> None:
    bench = bench_of(liquidation_share=D("0.05"))
    fill(bench, BUY, "10")
    for price, check in (("95", ""), ("95.1", "liquidation_distance")):
        report = PositionReport(BTC, D(10), D(100), liq_price=D(price))
        bench.feed(PositionsReported(bench.now, bench.now, (report,)))
        assert failed(place(bench, "1", "90")) == check
        assert failed(place(bench, "1", side=SELL)) == ""


@pytest.mark.parametrize(("limit", "check"), [("day_loss_share", "day_loss"), ("drawdown_share", "drawdown")])
def test_a_loss_stops_entries_before_the_watch_looks(limit: str, check: str) -> None:
    bench = bench_of(**{limit: D("0.01")})
    fill(bench, BUY, "100")
    bench.wait(5 * SECOND)
    bench.quote(BTC, 90.1)
    assert failed(place(bench, "1", "90")) == ""
    bench.quote(BTC, 90.0)
    assert failed(place(bench, "1", "90")) == check
    assert failed(place(bench, "1", side=SELL)) == ""


def test_a_realised_loss_stops_entries() -> None:
    bench = bench_of(day_realised_share=D("0.01"))
    bench.wait(5 * SECOND)
    fill(bench, BUY, "100")
    fill(bench, SELL, "99", "90")
    assert failed(place(bench, "1", "90")) == ""
    fill(bench, SELL, "1", "90")
    assert failed(place(bench, "1", "90")) == "day_realised"


@pytest.mark.parametrize(
    ("limit", "check"), [("day_loss_share", "strategy_day_loss"), ("drawdown_share", "strategy_drawdown")]
)
def test_a_strategys_loss_stops_its_own_entries(limit: str, check: str) -> None:
    bench = bench_of({"strategy:one": ScopeLimits(**{limit: D("0.001")})})
    bench.engine.world.portfolio.book("one", BTC)
    bench.wait(5 * SECOND)
    bench.engine.world.portfolio.book("one", BTC).trade(1, D(10), D(100))
    bench.engine.world.portfolio.net(BTC).trade(1, D(10), D(100))
    bench.quote(BTC, 90.1)
    assert failed(place(bench, "1", "90", strategy="one")) == ""
    bench.quote(BTC, 90.0)
    assert failed(place(bench, "1", "90", strategy="one")) == check
    assert failed(place(bench, "1", "90", strategy="two")) == ""


# --- what if


def test_what_if_runs_every_check_and_changes_nothing() -> None:
    bench = bench_of(order_value=D(100), open_orders=1, deny=("BTC*",))
    place(bench, "1", "90", instrument=ETH)
    engine = bench.engine
    before = engine.checkpoint()
    checks = engine.risk.what_if(engine.desk.candidate(_wish(bench, "20"), D(20)))
    assert {c.name for c in checks if not c.ok} == {"restricted_symbol", "order_value", "open_orders"}
    assert all(c.limit and c.value for c in checks)
    assert engine.checkpoint() == before


@pytest.mark.parametrize("qty", ["NaN", "sNaN", "0", "1E+400"])
def test_what_if_stops_at_an_order_without_sense(qty: str) -> None:
    bench = bench_of()
    checks = bench.engine.risk.what_if(bench.engine.desk.candidate(_wish(bench, qty), Decimal(qty)))
    assert [c.name for c in checks if not c.ok] == ["quantity"]


def test_coins_sold_on_spot_are_no_exposure() -> None:
    cfg = config(risk=limits(position_value=D(10), order_value=D(3000)))
    bench = ready(cfg, money={"USDT": D(100_000), "BTC": D(50)})
    assert failed(place(bench, "30.0001", "100", SELL, instrument=SPOT)) == "order_value"
    assert failed(place(bench, "30", "100", SELL, instrument=SPOT)) == ""
    assert failed(place(bench, "0.11", "100", instrument=SPOT)) == "position_size"


def test_spot_counts_in_exposure_and_needs_no_margin() -> None:
    bench = bench_of(gross_value=D(1000), margin_share=D("0.001"))
    assert failed(place(bench, "10.0001", "100", instrument=SPOT)) == "gross_exposure"
    assert failed(place(bench, "10", "100", instrument=SPOT)) == ""


@pytest.mark.parametrize(
    "changed", [{}, {"order_value": D(5000), "net_share": D(1), "duplicate_ms": 100, "deny": ("X",)}]
)
@pytest.mark.parametrize("scoped", [{}, {"strategy:*": ScopeLimits(gross_value=D(9000), drawdown_share=D(1))}])
def test_checks_that_are_switched_off_are_the_ones_that_say_nothing(
    changed: dict[str, Any], scoped: dict[str, ScopeLimits]
) -> None:
    bench = bench_of(scoped, **changed)
    candidate = bench.engine.desk.candidate(_wish(bench, "2"), D(2))
    assert bench.engine.risk.check(candidate) == bench.engine.risk.what_if(candidate)
    bench.engine.world.limits.change("", {"order_value": "1"})
    assert bench.engine.risk.check(candidate)[-1].name == "order_value"


def test_a_target_is_cut_within_the_limits_of_its_strategy() -> None:
    bench = bench_of({"strategy:one": ScopeLimits(order_value=D(1000))}, order_value=D(2000))
    info = bench.engine.world.instruments[BTC]
    made = {name: bench.engine.targets.to_size(name, info, D(19), "target", "") for name in ("one", "two")}
    assert [(d.accepted, len(d.orders)) for d in made["one"] + made["two"]] == [(True, 2), (True, 1)]
