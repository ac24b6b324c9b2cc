"""A review of hand-made pasts, figure by figure: every sum is exact, and what cannot be known is said."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.backtest.review.made_past import LINEAR, MINUTE, SPOT, START, Made, candles, instrument
from tradectl.backtest.review.figures import summary
from tradectl.backtest.review.review import Review, decode, encode, review_of
from tradectl.model.errors import Problem
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.money import use_exact_context
from tradectl.model.orders import OrderReport, OrderStatus, OrderType, Protection, Side, TimeInForce, Trigger
from tradectl.model.positions import PositionReport

D = Decimal


@pytest.fixture(autouse=True)
def exact_context() -> None:
    use_exact_context()


def golden() -> Made:
    """Two trades: a long that took both ways and paid funding, a short that rested to enter and was stopped out."""
    made = Made()
    made.row("TRANSFER_IN", "USDT", START + MINUTE, D(500))
    made.trade(10, "Buy", "0.1", "100000", mark="99990")
    made.funding(60, "Buy", "0.1", "101000", "1.01")
    made.trade(90, "Sell", "0.1", "101000", "100", mark="101020")
    made.trade(200, "Sell", "0.2", "100000", maker=True, order={"protection": Protection(stop_loss=D(100500))})
    made.trade(205, "Buy", "0.2", "100510", "-102", stop_order_type="StopLoss", create_type="CreateByStopLoss",
               order={"trigger_price": D(100500), "stop_order_type": "StopLoss"}, mark="100600")  # fmt: skip
    return made


def test_the_money_of_two_trades_is_told_to_the_last_digit() -> None:
    review = review_of(golden().past(), {}, "live")
    it = summary(review)
    assert it["profit"]["fees"] == D("5.5") + D("5.555") + D("4") + D("11.0561")
    assert it["fees"]["taker"] == D("5.5") + D("5.555") + D("11.0561")
    assert it["fees"]["maker"] == D(4)
    assert it["funding"]["paid"] == D("1.01")
    assert it["funding"]["received"] == 0
    # 10 above the mark on 0.1, 20 below it on 0.1, and 10 beyond the trigger on 0.2; the maker gets its price.
    assert {row["against"]: row["slippage"] for row in it["slippage"]} == {"mark": D(3), "trigger": D(2), "maker": D(0)}
    assert it["profit"]["net"] == D(-2) - it["profit"]["fees"] - D("1.01")
    assert it["profit"]["price"] - it["profit"]["slippage"] == D(-2)


def test_the_wallet_grew_by_what_was_earned_and_not_by_what_was_paid_in() -> None:
    it = summary(review_of(golden().past(), {}, "live"))
    # All of it on the first day: (end - transfer) / beginning - 1, the beginning being 10,000.
    assert it["returns"]["total_return"] == pytest.approx(float(it["profit"]["net"] / 10_000), rel=1e-9)
    assert it["cash"] == D(10_500)


def test_trades_and_statement_agree_with_nothing_left_over() -> None:
    made = golden()
    review = review_of(made.past(), {}, "live")
    coin = next(it for it in review.coins if it.coin == "USDT")
    assert (coin.opening, coin.closing, coin.wallet) == (D(10_000), made.wallet["USDT"], made.wallet["USDT"])
    assert coin.opening + coin.realised - coin.fees + coin.funding + coin.transfers == coin.closing
    assert coin.unexplained == 0
    assert coin.earned == summary(review)["profit"]["net"]
    assert review.matched.whole
    assert review.notes == ()


def test_a_lost_row_and_a_lost_execution_are_named() -> None:
    past = golden().past()
    lost_row = msgspec.structs.replace(past, statement=tuple(it for it in past.statement if it.trade_id != "e3"))
    found = review_of(lost_row, {}, "live")
    assert found.matched.without_row == 1
    assert found.matched.fees == {"USDT": D("5.555")}
    assert found.coins[0].unexplained == D(100) - D("5.555")
    assert summary(found)["profit"]["net"] == summary(review_of(past, {}, "live"))["profit"]["net"]  # own average cost

    lost = msgspec.structs.replace(past, executions=past.executions[:-1])
    assert review_of(lost, {}, "live").matched.rows_without_execution == 1


def test_an_empty_account_is_reviewed_without_a_figure() -> None:
    it = summary(review_of(Made().past(), {}, "live"))
    assert it["trades"]["trades"] == 0
    assert it["trades"]["win_rate"] is None
    assert it["returns"]["total_return"] is None
    assert it["profit"]["net"] == 0
    assert it["losers"] == []


def test_a_position_from_before_the_span_ends_as_a_trade_at_its_own_entry() -> None:
    made = Made()
    made.trade(10, "Sell", "0.1", "101000", "100", mark="101000")
    review = review_of(made.past(), {}, "live")
    trip = review.trips()[0]
    assert trip.long
    assert trip.ended == START + 10 * MINUTE
    assert trip.entry_value == D(10_000)
    assert summary(review)["losers"] == []
    assert summary(review)["profit"]["volume"] == D(10_100)  # the carried entry is not traded value


def test_an_execution_in_the_first_millisecond_comes_after_what_was_carried() -> None:
    made = Made()
    made.trade(0, "Sell", "0.1", "101000", "100", mark="101000")  # its id sorts wherever the venue likes
    past = made.past()
    first = msgspec.structs.replace(
        past.executions[0], execution=msgspec.structs.replace(past.executions[0].execution, exec_id="0")
    )
    trip = review_of(msgspec.structs.replace(past, executions=(first,)), {}, "live").trips()[0]
    assert (trip.long, trip.ended) == (True, START)


def test_a_position_that_is_still_open_and_was_held_before_is_not_a_short() -> None:
    made = Made()
    made.trade(10, "Sell", "0.1", "101000", "100", mark="101000")
    held = PositionReport(LINEAR, D("0.4"), D(100_000), stop_loss=D(90_000))
    review = review_of(made.past(positions=(held,)), {}, "live")
    trip = review.trips()[0]
    assert (trip.long, trip.ended, trip.qty, trip.pnl) == (True, 0, D("0.5"), D(100) - D("5.555"))
    assert review.stops == ("seen",)


def test_hedged_legs_are_trades_of_their_own() -> None:
    made = Made()
    made.trade(10, "Buy", "0.1", "100000", order={"position_idx": 1})
    made.trade(20, "Sell", "0.2", "100000", order={"position_idx": 2})
    made.funding(25, "Sell", "0.2", "100000", "-2")
    made.trade(30, "Sell", "0.1", "100100", "10", order={"position_idx": 1})
    made.trade(40, "Buy", "0.2", "100100", "-20", order={"position_idx": 2})
    trips = review_of(made.past(), {}, "live").trips()
    assert [(it.strategy, it.long, it.price_pnl, it.funding) for it in trips] == [
        ("long", True, D(10), D(0)), ("short", False, D(-20), D(-2)),
    ]  # fmt: skip


def test_spot_counts_coins_after_their_fee_and_sweeps_what_cannot_be_sold() -> None:
    made = Made()
    made.trade(10, "Buy", "1", "2000", name=SPOT)  # 0.99945 ETH arrive
    made.trade(20, "Sell", "0.9994", "2100", name=SPOT)  # the lot is 0.0001
    review = review_of(made.past(), {}, "live")
    trips = review.trips()
    assert [it.ended for it in trips] == [START + 20 * MINUTE]
    # 2000 went out, 0.9994 * 2100 - fee came back; 0.00005 ETH are left, worth 0.105.
    assert trips[0].pnl == D("0.9994") * 2100 - D("1.1543070") - 2000 + D("0.105")
    assert review.matched.whole
    eth = next(it for it in review.coins if it.coin == "ETH")
    assert (eth.spot, eth.fees, eth.closing) == (D("0.0006"), D("0.00055"), D("0.00005"))


def test_coins_bought_before_the_span_are_sold_without_a_profit() -> None:
    made = Made()
    made.wallet["ETH"] = D(5)
    made.trade(20, "Sell", "2", "2100", name=SPOT)
    trip = review_of(made.past(), {}, "live").trips()[0]
    assert (trip.long, trip.price_pnl) == (True, D(0))


def test_money_that_is_no_dollar_is_left_out_of_the_trades_and_named() -> None:
    cross = InstrumentId(Category.SPOT, "ETHBTC")
    made = Made()
    made.trade(20, "Sell", "2", "0.05", name=cross)
    past = made.past(instruments=(instrument(cross, base_coin="ETH", quote_coin="BTC"),))
    review = review_of(past, {}, "live")
    assert review.fills == ()
    assert "spot:ETHBTC" in review.notes[0]


def test_an_inverse_contract_counts_in_dollars_at_the_price_of_its_execution() -> None:
    name = InstrumentId(Category.INVERSE, "BTCUSD")
    made = Made()
    made.trade(10, "Buy", "10000", "100000", name=name)
    made.trade(20, "Sell", "10000", "125000", "0.02", name=name)
    executions = [msgspec.structs.replace(it, execution=msgspec.structs.replace(
        it.execution, value=it.execution.qty / it.execution.price, fee=D("0.0001"), fee_coin="BTC",
    )) for it in made.executions]  # fmt: skip
    known = instrument(name, base_coin="BTC", quote_coin="USD", settle_coin="BTC")
    trip = review_of(made.past(executions=tuple(executions), instruments=(known,)), {}, "live").trips()[0]
    assert (trip.price_pnl, trip.fees) == (D("0.02") * 125_000, D("0.0001") * 225_000)


# --- missed maker fills ----------------------------------------------------------------------------------------------


def test_an_order_that_would_have_filled_saves_spread_and_fee() -> None:
    made = Made()
    made.trade(10, "Buy", "0.1", "100000", order_id="one", mark="100000")
    made.trade(10, "Buy", "0.1", "100001", order_id="one", mark="100000")
    bars = candles(11, *[(100000.0, 100010.0, 99999.8, 100000.0)] * 5)
    chance = review_of(made.past(), {LINEAR: bars}, "live").maker
    assert (chance.orders, chance.would, chance.would_not) == (1, 1, 0)
    assert chance.saved_spread == D("0.12")  # 0.1 * (0.1 + 1.1): it would have rested at 99999.9
    assert chance.saved_fees == D("5.5") + D("5.500055") - D("3.999996")
    assert chance.net == chance.saved_spread + chance.saved_fees


def test_a_touch_that_is_not_traded_through_is_no_fill_and_chasing_costs() -> None:
    made = Made()
    made.trade(10, "Sell", "0.1", "100000", mark="100000")
    bars = candles(11, *[(100000.0, 100000.1, 99900.0, 99900.0)] * 5)  # it would rest at 100000.1
    chance = review_of(made.past(), {LINEAR: bars}, "live").maker
    assert (chance.would, chance.would_not, chance.chase, chance.net) == (0, 1, D(10), D(-10))


def test_the_minute_of_the_execution_itself_is_not_looked_at() -> None:
    made = Made()
    made.trade(10, "Buy", "0.1", "100000", mark="100000")
    bars = candles(10, (100000.0, 100000.0, 90000.0, 100000.0), *[(100000.0, 100000.0, 100000.0, 100000.0)] * 5)
    assert review_of(made.past(), {LINEAR: bars}, "live").maker.would == 0


def test_stops_and_orders_without_candles_are_not_judged() -> None:
    chance = review_of(golden().past(), {}, "live").maker
    assert (chance.orders, chance.unmeasured) == (2, 2)


# --- stops -----------------------------------------------------------------------------------------------------------


def test_a_stop_is_seen_where_it_fired_was_attached_or_waits() -> None:
    review = review_of(golden().past(), {}, "live")
    assert [it.value for it in review.stops] == ["no trace", "seen"]


def waiting(created: int, side: Side, rises: bool, **changes: object) -> OrderReport:
    fields = {
        "instrument": LINEAR, "order_id": "stop", "link_id": "", "side": side, "type": OrderType.MARKET,
        "time_in_force": TimeInForce.IOC, "qty": D("0.1"), "price": None, "status": OrderStatus.UNTRIGGERED,
        "cum_qty": D(0), "cum_value": D(0), "avg_price": None, "updated": created, "created": created,
        "reduce_only": True, "trigger_price": D(90_000), "trigger": Trigger(D(90_000), rises),
    } | changes  # fmt: skip
    return OrderReport(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("order", "verdict"),
    [
        (waiting(START, Side.SELL, False), "seen"),
        (waiting(START, Side.SELL, True), "none"),  # sells higher: a profit, not a stop
        (waiting(START, Side.BUY, False), "none"),
        (waiting(START, Side.SELL, False, reduce_only=False), "none"),  # an entry that waits
        (waiting(START, Side.SELL, True, stop_order_type="TakeProfit"), "none"),
        (waiting(START, Side.SELL, False, status=OrderStatus.CANCELLED), "none"),  # ended before the trade
    ],
)
def test_a_conditional_order_protects_only_when_it_limits_the_loss(order: OrderReport, verdict: str) -> None:
    made = Made(days=1)
    made.trade(10, "Buy", "0.1", "100000")
    made.trade(20, "Sell", "0.1", "100000")
    review = review_of(made.past(orders=(*made.orders, order)), {}, "live")
    assert review.stops == (verdict,)


def test_what_the_venue_has_forgotten_is_not_called_missing() -> None:
    made = Made(days=3)
    made.trade(10, "Buy", "0.1", "100000")
    made.trade(20, "Sell", "0.1", "100000")
    late = 2 * 1440 + 30
    made.trade(late, "Buy", "0.1", "100000")
    made.trade(late + 5, "Sell", "0.1", "100000")
    assert [it.value for it in review_of(made.past(), {}, "live").stops] == ["no trace", "none"]


# --- habits and liquidations -----------------------------------------------------------------------------------------


def test_hours_lengths_busy_days_and_trades_after_a_loss() -> None:
    made = Made()
    for minute, gained in ((0, -10), (15, 20), (300, 30), (1440, 5), (2880, 5), (4320, 5)):
        made.trade(minute, "Buy", "0.1", "100000")
        made.trade(minute + 10, "Sell", "0.1", str(100000 + gained * 10), str(gained))
    it = summary(review_of(made.past(), {}, "live"))
    assert [(row["hour"], row["trades"]) for row in it["hours"]] == [(0, 5), (5, 1)]
    assert [row["trades"] for row in it["holding"]] == [0, 6, 0, 0, 0, 0]
    assert (it["days"]["active"], it["days"]["usual"], it["days"]["most"], it["days"]["busy_days"]) == (4, 1, 3, 1)
    assert it["days"]["busy"]["trades"] == 3
    # Every gain of 5 is a loss after fees; the second trade begins five minutes after the first loss.
    assert it["after_loss"]["trades"] == 1
    assert it["other"]["trades"] == 5
    assert sum(row["pnl"] for row in it["hours"]) == it["profit"]["net"]


def test_a_liquidation_has_no_slippage_and_is_counted_apart() -> None:
    made = Made()
    made.trade(0, "Buy", "0.1", "100000", mark="100000")
    made.trade(9, "Sell", "0.1", "95000", "-500", mark="96000", type="BustTrade", order_id="x")
    it = summary(review_of(made.past(), {}, "live"))
    assert it["forced"]["fills"] == 1
    assert it["forced"]["realised"] == D(-500)
    assert [row["against"] for row in it["slippage"]] == ["mark", "forced"]
    assert it["losers"][0]["pnl"] == D(-500) - D("5.5") - D("5.225")


# --- as a document ---------------------------------------------------------------------------------------------------


def test_a_kept_review_comes_back_as_it_was() -> None:
    review = review_of(golden().past(), {}, "live")
    assert decode(encode(review)) == review


def test_a_review_of_another_version_or_none_is_refused() -> None:
    review = review_of(golden().past(), {}, "live")
    with pytest.raises(Problem, match="version 99"):
        decode(encode(msgspec.structs.replace(review, version=99)))
    with pytest.raises(Problem, match="no review"):
        decode(b'{"version":1}')


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 9), st.integers(90_000, 110_000), st.booleans()), max_size=30))
def test_any_trades_add_up_to_the_statement(moves: list[tuple[bool, int, int, bool]]) -> None:
    """Realised profit by an oracle of its own: each unit is a lot, first the carried sign, at average cost."""
    use_exact_context()
    made, size, cost = Made(), D(0), D(0)
    for number, (buy, qty, price, maker) in enumerate(moves):
        move, realised = D(qty if buy else -qty), D(0)
        if size * move < 0:
            closed = min(abs(size), abs(move)) * (1 if size > 0 else -1)
            part = (cost * closed / size).quantize(D("0.00000001"))
            realised, size, cost = closed * price - part, size - closed, cost - part
            move += closed
        size, cost = size + move, cost + move * price
        made.trade(number, "Buy" if buy else "Sell", str(qty), str(price), str(realised), maker=maker)
    held = (PositionReport(LINEAR, size, cost / size),) if size else ()
    review: Review = review_of(made.past(positions=held), {}, "live")
    it = summary(review)
    coin = next((it for it in review.coins if it.coin == "USDT"), None)
    assert it["profit"]["net"] == (coin.earned if coin else 0)
    assert sum((trip.pnl for trip in review.trips()), D(0)) == it["profit"]["net"]
    assert review.matched.whole
