"""A paper account fills from what a public feed states, and from nothing else."""

from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles import ledger_checker as checker
from tests.unit.engine.harness import BTC, COIN, ETH, INSTRUMENTS, INVERSE, RUN, SPOT, T0
from tests.unit.simulation.paper_bench import (
    HOUR,
    TERMS,
    D,
    amend,
    book,
    cancel,
    fills,
    order,
    statuses,
    stop,
    ticker,
    trade,
    traded,
    venue,
)
from tradectl.matching.views import AccountFees
from tradectl.model.commands import LookUpOrder, Reconcile, SetTimer
from tradectl.model.events import Event, OrderAnswered, OrderLookedUp, Reconciled, StopAnswered
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.money import use_exact_context
from tradectl.model.orders import Execution, OrderStatus, Side, Trigger
from tradectl.simulation.paper_venue import PaperVenue, Saved, Terms

use_exact_context()


def restarted(old: PaperVenue) -> PaperVenue:
    """The account as the next process finds it, through bytes."""
    saved = msgspec.msgpack.decode(msgspec.msgpack.encode(old.save()), type=Saved)
    made = PaperVenue(TERMS, "another", saved, old.past)
    made.know(INSTRUMENTS)
    return made


# --- fills


def test_a_market_order_takes_what_is_displayed_and_the_answer_comes_first() -> None:
    events = venue().carry_out(order("4"))
    answer = events[0]
    assert isinstance(answer, OrderAnswered)
    assert (answer.code, answer.link_id) == (0, "a")
    assert traded(events) == [("100.1", "3.000"), ("100.2", "1.000")]
    assert statuses(events)[-1] is OrderStatus.FILLED


def test_what_was_taken_stays_taken_until_the_level_is_stated_anew() -> None:
    v = venue()
    v.carry_out(order("3"))
    assert traded(v.carry_out(order("1", link="b"))) == [("100.2", "1.000")]
    v.hear(book(5, [], [(100.1, 0.5)], snapshot=False))
    assert traded(v.carry_out(order("1", link="c"))) == [("100.1", "0.500"), ("100.2", "0.500")]


def test_an_order_behind_the_queue_fills_only_by_what_trades_beyond_it() -> None:
    v = venue()
    assert statuses(v.carry_out(order("1", "100.0"))) == [OrderStatus.NEW]
    assert v.hear(trade(1, 100.0, 1.5)) == []
    assert traded(v.hear(trade(2, 100.0, 0.7))) == [("100.0", "0.200")]
    (rest,) = fills(v.hear(trade(3, 99.9, 5.0)))
    assert (rest.price, rest.qty, rest.is_maker) == (D("100.0"), D("0.800"), True)


def test_a_book_that_comes_through_a_resting_order_fills_it_at_its_own_price() -> None:
    v = venue()
    v.carry_out(order("1", "99.9"))
    (fill,) = fills(v.hear(book(1, [(99.0, 1.0)], [(99.8, 4.0)])))
    assert (fill.price, fill.qty, fill.is_maker) == (D("99.9"), D("1.000"), True)
    assert fill.ts == T0 + 1


def test_a_stop_fires_by_the_print_that_reaches_it() -> None:
    v = venue()
    v.carry_out(order("1"))
    v.carry_out(order("1", side=Side.SELL, link="s", trigger=Trigger(D(99), rises=False), reduce_only=True))
    assert v.hear(trade(1, 99.1, 1.0)) == []
    assert [it.side for it in fills(v.hear(trade(2, 99.0, 0.1)))] == [Side.SELL]


def test_a_ticker_older_than_the_last_print_does_not_turn_the_price_around() -> None:
    v = venue()
    v.carry_out(order("1"))
    v.hear(trade(10, 101.0, 0.1))
    v.carry_out(order("1", side=Side.SELL, link="s", trigger=Trigger(D("100.5"), rises=False), reduce_only=True))
    assert v.hear(ticker(9, 100.2)) == []
    assert fills(v.hear(ticker(11, 100.2)))


def test_without_a_book_nothing_is_taken_and_a_resting_order_waits_for_it() -> None:
    v = venue()
    v.lose(BTC)
    assert not v.is_shown(BTC)
    events = v.carry_out(order("1"))
    assert traded(events) == []
    assert statuses(events)[-1].is_final
    v.carry_out(order("1", "99.9", link="b"))
    assert v.hear(book(1, [], [(99.5, 9.0)], snapshot=False)) == [], "a delta means nothing without its snapshot"
    assert traded(v.hear(book(2, [(99.0, 1.0)], [(99.5, 9.0)]))) == [("99.9", "1.000")]


def test_a_book_that_does_not_fit_the_instrument_is_said_and_forgotten() -> None:
    v = venue()
    with pytest.raises(ValueError, match="not a multiple of the tick"):
        v.hear(book(1, [(100.05, 1.0)], []))
    assert not v.is_shown(BTC)


def test_books_of_another_depth_are_not_those_fills_are_made_from() -> None:
    v = venue()
    v.hear(book(1, [(1.0, 1.0)], [(2.0, 1.0)], depth=200))
    assert traded(v.carry_out(order("1"))) == [("100.1", "1.000")]


def test_spot_pays_with_coins_and_takes_its_fee_from_what_it_receives() -> None:
    v = venue()
    (fill,) = fills(v.carry_out(order("1", instrument=SPOT)))
    coins = {it.coin: it.wallet for it in v.truth(0).balances}
    assert (fill.fee, fill.fee_coin) == (D("0.001"), "BTC")
    assert coins == {"USDT": D("9899.9"), "BTC": D("0.999")}


# --- funding


def test_funding_is_charged_once_when_the_next_settlement_is_announced() -> None:
    v = venue()
    v.hear(ticker(1, 100.0, 100.0, 0.001, HOUR))
    v.carry_out(order("2"))
    assert v.hear(ticker(HOUR - 1, 100.0, 110.0, 0.002, HOUR)) == []
    (row,) = fills(v.hear(ticker(HOUR + 5, 100.0, 120.0, 0.003, 9 * HOUR)))
    assert (row.type, row.fee, row.price, row.ts) == ("Funding", D("0.44"), D("110.0"), T0 + HOUR)
    assert v.hear(ticker(HOUR + 6, 100.0, 120.0, 0.003, 9 * HOUR)) == []


def test_funding_that_came_due_while_the_daemon_was_down_is_charged_once_the_market_is_known() -> None:
    v = venue()
    v.hear(ticker(1, 100.0, 100.0, 0.001, HOUR))
    v.carry_out(order("2"))
    again = restarted(v)
    assert again.hear(ticker(2 * HOUR, 100.0, 100.0, 0.005, 9 * HOUR)) == []
    (row,) = fills(again.hear(book(2 * HOUR, [(100.0, 1.0)], [(100.1, 1.0)])))
    assert (row.fee, row.ts) == (D("0.2"), T0 + HOUR)


# --- what is asked


def test_what_the_gateway_refuses_changes_nothing_and_says_why() -> None:
    v = venue()
    nobody = InstrumentId(Category.LINEAR, "XYZUSDT")
    refused = ((order("1", instrument=nobody), 10001), (order("400"), 110007), (cancel("x"), 110001))
    for command, code in (*refused, (amend("x", "2"), 110001)):
        before = v.save()
        (answer,) = v.carry_out(command)
        assert isinstance(answer, OrderAnswered)
        assert answer.code == code
        assert answer.message
        assert v.save() == before


def test_orders_are_amended_and_cancelled() -> None:
    v = venue()
    v.carry_out(order("1", "90"))
    assert v.carry_out(amend("a", "2"))[0].code == 0  # type: ignore[attr-defined]
    assert [it.qty for it in v.truth(0).reports] == [D(2)]
    assert statuses(v.carry_out(cancel("a"))) == [OrderStatus.CANCELLED]


def test_the_stops_of_a_position_are_stated() -> None:
    v = venue()
    v.carry_out(order("1"))
    answer = v.carry_out(stop("90"))[0]
    assert isinstance(answer, StopAnswered)
    assert answer.code == 0
    (row,) = v.truth(0).positions
    assert (row.size, row.avg_price, row.stop_loss) == (D(1), D("100.1"), D(90))


def test_an_inverse_position_is_stated_in_dollars_at_its_price() -> None:
    v = PaperVenue(Terms(cash={"BTC": D(1)}), "paper-1")
    v.know([INVERSE])
    v.hear(ticker(0, 50_000.0, instrument=COIN))
    v.hear(book(0, [(49_999.0, 900.0)], [(50_000.0, 900.0)], instrument=COIN))
    v.carry_out(order("500", instrument=COIN))
    (row,) = v.truth(0).positions
    assert (row.size, row.avg_price) == (D(500), D(50_000))


def test_a_lookup_knows_open_and_ended_orders_and_says_when_there_is_none() -> None:
    v = venue()
    v.carry_out(order("1"))
    v.carry_out(order("1", "90", link="b"))
    found = {}
    for link in ("a", "b", "c"):
        (said,) = v.carry_out(LookUpOrder(link, BTC))
        assert isinstance(said, OrderLookedUp)
        assert said.conclusive
        found[link] = (said.report.status if said.report else None, len(said.executions))
    assert found == {"a": (OrderStatus.FILLED, 1), "b": (OrderStatus.NEW, 0), "c": (None, 0)}


def test_the_truth_holds_open_orders_and_all_that_happened_since() -> None:
    v = venue()
    v.carry_out(order("1"))
    v.hear(trade(HOUR, 100.1, 0.1))
    v.carry_out(order("1", link="b"))
    v.carry_out(order("1", "90", link="c"))
    (whole,) = v.carry_out(Reconcile(0, "test"))
    (late,) = v.carry_out(Reconcile(T0 + HOUR, "test"))
    assert isinstance(whole, Reconciled)
    assert isinstance(late, Reconciled)
    assert [it.link_id for it in whole.reports] == ["a", "b", "c"]
    assert [it.link_id for it in late.reports] == ["b", "c"]
    assert [it.link_id for it in late.executions] == ["b"]
    v.past.forget(T0 + HOUR)
    assert v.truth(0) == late


def test_what_is_no_command_to_an_account_is_an_error() -> None:
    with pytest.raises(TypeError, match="SetTimer"):
        venue().carry_out(SetTimer("t", 1))


def test_terms_hold_for_each_market_as_it_is_listed() -> None:
    fees = AccountFees(D("0.1"), D("0.2"), D("0.3"), D("0.4"))
    wide = [msgspec.structs.replace(it, max_leverage=D(50), funding_interval=480) for it in INSTRUMENTS]
    v = PaperVenue(Terms(fees, {"USDT": D(5)}, {BTC: D(7)}, D(3), hedge=True), RUN)
    v.know(wide)
    for instrument in (BTC, ETH, SPOT):
        v.hear(ticker(0, 100.0, instrument=instrument))
    assert [v.exchange.position(RUN, it, 1).leverage for it in (BTC, ETH)] == [D(7), D(3)]
    assert v.exchange.is_hedged(RUN, BTC)
    assert {it.instrument: (it.maker, it.taker) for it in v.fee_rates()} == {
        BTC: (D("0.3"), D("0.4")), ETH: (D("0.3"), D("0.4")), SPOT: (D("0.1"), D("0.2"))
    }  # fmt: skip


def test_filters_that_change_are_taken_as_soon_as_nothing_rests() -> None:
    v = venue()
    finer = [msgspec.structs.replace(it, tick_size=D("0.01")) if it.id == BTC else it for it in INSTRUMENTS]
    v.carry_out(order("1"))
    v.carry_out(order("1", "90", link="b"))
    assert v.know(finer) == []
    v.carry_out(cancel("b"))
    before = v.exchange.account("paper-1")
    assert v.know(finer) == [BTC]
    assert v.know(finer) == []
    assert v.exchange.account("paper-1") == before
    assert not v.is_shown(BTC)
    v.hear(book(1, [(99.99, 2.0)], [(100.01, 2.0)]))
    assert traded(v.carry_out(order("1", side=Side.SELL, link="c"))) == [("99.99", "1.000")]
    assert v.needs() == set()
    again = restarted(v)
    assert again.exchange.instruments[BTC].tick_size == D("0.1"), "what this process was told"


# --- restarts, and any flow at all


def test_after_a_restart_the_money_orders_and_positions_are_the_same_and_the_old_book_is_not() -> None:
    v = venue()
    v.carry_out(order("1"))
    v.carry_out(order("1", "99.9", link="b"))
    again = restarted(v)
    assert again.uid == "paper-1"
    assert again.truth(0) == v.truth(0)
    assert again.needs() == {BTC}
    assert traded(again.carry_out(order("1", link="c"))) == []
    assert traded(again.hear(book(9, [(98.0, 1.0)], [(99.0, 9.0)]))) == [("99.9", "1.000")]


def test_a_stop_that_came_due_while_nobody_looked_fires_into_the_first_book_never_into_an_empty_one() -> None:
    v = venue()
    v.carry_out(order("1"))
    v.carry_out(order("1", side=Side.SELL, link="s", trigger=Trigger(D(99), rises=False), reduce_only=True))
    again = restarted(v)
    assert again.hear(ticker(8, 99.5, 99.5)) == []
    assert again.hear(ticker(9, 98.0, 98.0)) == []
    assert again.hear(trade(9, 98.0, 1.0)) == []
    assert traded(again.hear(book(10, [(97.9, 5.0)], [(98.0, 5.0)]))) == [("97.9", "1.000")]
    assert again.exchange.prices(BTC).mark == D(98)
    again.lose(BTC)
    assert again.hear(ticker(11, 97.0, 97.0)) == []
    assert again.exchange.prices(BTC).mark == D(97), "nothing is held there any more"


PRICES = st.integers(985, 1015).map(lambda ticks: ticks / 10)
SIZES = st.integers(1, 3000).map(lambda lots: lots / 1000)
SIDES = st.sampled_from([Side.BUY, Side.SELL])
STEP = st.one_of(
    st.tuples(st.just("market"), SIDES, SIZES, PRICES), st.tuples(st.just("limit"), SIDES, SIZES, PRICES),
    st.tuples(st.just("print"), SIDES, SIZES, PRICES), st.tuples(st.just("book"), SIDES, SIZES, PRICES),
    st.tuples(st.just("ticker"), SIDES, SIZES, PRICES), st.tuples(st.just("cancel"), SIDES, SIZES, PRICES),
)  # fmt: skip


def _do(v: PaperVenue, number: int, step: tuple[str, Side, float, float]) -> list[Event]:
    kind, side, size, price = step
    at = number * HOUR
    if kind in ("market", "limit"):
        return v.carry_out(order(f"{size:.3f}", f"{price:.1f}" if kind == "limit" else "", side, f"o{number}"))
    if kind == "cancel":
        return v.carry_out(cancel(f"o{number - 1}"))
    if kind == "print":
        return v.hear(trade(at, price, size, side))
    if kind == "ticker":
        return v.hear(ticker(at, price, price, size / 10_000, (number // 8 + 1) * 8 * HOUR))
    lows, highs = [(round(price - n / 10, 1), size) for n in (1, 2)], [(round(price + n / 10, 1), size) for n in (1, 2)]
    return v.hear(book(at, lows, highs))


@settings(max_examples=60, deadline=None)
@given(st.lists(STEP, min_size=5, max_size=40), st.data())
def test_any_flow_goes_on_after_a_restart_and_its_money_is_what_the_executions_say(
    steps: list[tuple[str, Side, float, float]], data: Any
) -> None:
    v, other = venue(), venue()
    shown = book(1, [(100.0, 2.0), (99.9, 5.0)], [(100.1, 3.0), (100.2, 5.0)])
    cut = data.draw(st.integers(0, len(steps)))
    told: list[Event] = []
    for number, step in enumerate(steps, 1):
        if number == cut:
            v, other = restarted(v), restarted(restarted(other))
            told += v.hear(shown)
            other.hear(shown)
        events = _do(v, number, step)
        assert _do(other, number, step) == events
        told += events
    done = fills(told)
    assert done == v.past.executions
    rows = [_row(n, it) for n, it in enumerate(done)]
    coins = {("linear", "BTCUSDT"): {"base": "BTC", "quote": "USDT", "settle": "USDT"}}
    books = checker.recompute(rows, [{"coin": "USDT", "amount": "10000"}], coins)
    assert {it.coin: Fraction(it.wallet) for it in v.truth(0).balances}["USDT"] == books.cash["USDT"]
    held = {it.instrument: Fraction(it.size) for it in v.truth(0).positions}
    assert held.get(BTC, 0) == books.positions.get(("linear", "BTCUSDT"), checker.CheckedPosition()).size


def _row(number: int, it: Execution) -> dict[str, str]:
    return {
        "category": "linear", "symbol": "BTCUSDT", "side": it.side.value, "execQty": str(it.qty),
        "execPrice": str(it.price), "execValue": str(it.value), "execFee": str(it.fee), "feeCurrency": it.fee_coin,
        "execType": it.type, "execTime": str(number), "seq": str(number), "execId": it.exec_id,
    }  # fmt: skip
