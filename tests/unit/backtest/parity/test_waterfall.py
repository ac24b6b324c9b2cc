"""Every difference of two runs under its cause, and the causes add up to the last digit."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from msgspec.structs import replace

from tests.unit.backtest.parity.sides import (
    INVERSE,
    LINEAR,
    SECOND,
    TAKER,
    UNITS,
    D,
    no_touch,
    order,
    piece,
    side,
    sides,
)
from tradectl.backtest.parity.matching import pairs
from tradectl.backtest.parity.orders import Paid, Side, cut
from tradectl.backtest.parity.report import ParityReport, compare
from tradectl.backtest.parity.waterfall import Cause
from tradectl.model.instruments import InstrumentId
from tradectl.model.orders import OrderStatus, OrderType


def _compared(recorded: Side, backtest: Side, touch: object = no_touch) -> ParityReport:
    report = compare(recorded, backtest, UNITS, touch)  # type: ignore[arg-type]
    assert report.explained
    return report


def _causes(report: ParityReport) -> dict[str, Decimal]:
    return {it.cause.value: it.amount for it in report.causes}


# --- it adds up


@settings(max_examples=300)
@given(sides(), sides())
def test_the_causes_add_up_to_the_difference_to_the_last_digit(recorded: Side, backtest: Side) -> None:
    report = compare(recorded, backtest, UNITS, lambda i, sign, ts: D(100) + sign + ts // SECOND)
    assert report.explained, report.profits
    for profit in report.profits:
        told = sum((Fraction(row.amount) for row in report.rows if row.coin == profit.coin), Fraction(0))
        assert told == Fraction(profit.recorded) - Fraction(profit.backtest)


@given(sides())
def test_a_run_beside_itself_differs_in_nothing(run: Side) -> None:
    report = _compared(run, run)
    assert report.rows == ()
    assert report.counts.matched == len(run.orders)


@given(sides(), sides())
def test_each_order_is_in_exactly_one_pair(recorded: Side, backtest: Side) -> None:
    found = pairs(recorded.orders, backtest.orders, 60 * SECOND)
    assert sorted(map(repr, (a for a, _ in found if a))) == sorted(map(repr, recorded.orders))
    assert sorted(map(repr, (b for _, b in found if b))) == sorted(map(repr, backtest.orders))
    for a, b in found:
        if a and b:
            assert (a.strategy, a.instrument, a.sign, a.kind) == (b.strategy, b.instrument, b.sign, b.kind)
            assert abs(a.at - b.at) <= 60 * SECOND


def test_a_cut_fill_loses_nothing() -> None:
    whole = piece("0.003", "33333.3")
    first, rest = cut(INVERSE, whole, D("0.001"))
    assert first.qty + rest.qty == whole.qty
    assert (first.value + rest.value, first.fee + rest.fee) == (whole.value, whole.fee)


# --- each cause by hand


def test_an_order_only_in_one_run_is_a_signal_with_its_fees() -> None:
    report = _compared(side(order(piece(1, 100))), side())
    assert _causes(report) == {"signal": D(5) - 100 * TAKER}
    assert "only in the recorded run: fast above slow" in report.rows[0].note
    report = _compared(side(), side(order(piece(1, 100))))
    assert _causes(report) == {"signal": 100 * TAKER - D(5)}


def test_a_fill_no_strategy_asked_for_is_outside() -> None:
    forced = order(piece(1, 100), ours=False, kind="CreateByLiq")
    assert set(_causes(_compared(side(forced), side()))) == {"outside"}


def test_another_size_is_a_signal_for_what_was_asked_beyond() -> None:
    big, small = order(piece(3, 100), asked=D(3)), order(piece(1, 100))
    report = _compared(side(big), side(small))
    assert _causes(report) == {"signal": 2 * D(5) - 200 * TAKER}


def test_the_market_moving_before_the_fill_is_latency_and_the_rest_is_price() -> None:
    late, prompt = order(piece(1, 102, ts=SECOND)), order(piece(1, 100))

    def touch(i: InstrumentId, sign: int, ts: int) -> Decimal:
        return D("101.5") if ts else D(100)

    report = _compared(side(late), side(prompt), touch)
    assert _causes(report) == {"latency": D("-1.5"), "price": D("-0.5"), "fee": -2 * TAKER}
    row = next(it for it in report.rows if it.cause is Cause.LATENCY)
    assert row.note == "filled 1000 ms later"
    assert row.recorded is not None
    assert (row.recorded.price, row.recorded.filled, row.recorded.order) == (D(102), SECOND, "o")


def test_selling_later_in_a_rising_market_is_a_gain_of_latency() -> None:
    late, prompt = (order(piece(1, p, ts=t), sign=-1) for p, t in ((102, SECOND), (100, 0)))
    report = _compared(side(late), side(prompt), lambda i, sign, ts: D(102) if ts else D(100))
    assert _causes(report) == {"latency": D(2), "fee": -2 * TAKER}


def test_another_price_at_the_same_moment_is_price() -> None:
    report = _compared(side(order(piece(1, "100.5"))), side(order(piece(1, 100))), lambda i, s, t: D(100))
    assert _causes(report) == {"price": D("-0.5"), "fee": D("-0.5") * TAKER}


def test_a_resting_order_that_never_filled_is_queue() -> None:
    limit = {"type": OrderType.LIMIT, "price": D(100)}
    never = order(**limit, status=OrderStatus.CANCELLED)
    report = _compared(side(never), side(order(piece(1, 100, maker=True), **limit)))
    assert set(_causes(report)) == {"queue"}
    assert "0 of 1 filled, Cancelled" in report.rows[0].note


def test_a_resting_order_that_filled_later_is_queue_even_when_it_made_nothing() -> None:
    limit = {"type": OrderType.LIMIT, "price": D(100)}
    late, prompt = (order(piece(1, 100, ts=t, maker=True), **limit) for t in (9 * SECOND, 0))
    report = _compared(side(late), side(prompt))
    assert [(it.cause, it.amount, it.note) for it in report.rows] == [(Cause.QUEUE, D(0), "its turn came 9 s later")]


def test_maker_here_and_taker_there_is_queue_and_fee() -> None:
    limit = {"type": OrderType.LIMIT, "price": D(100)}
    report = _compared(
        side(order(piece(1, 100, ts=SECOND, maker=True), **limit)), side(order(piece(1, "99.9"), **limit))
    )
    assert _causes(report)["queue"] == D("-0.1")
    assert _causes(report)["fee"] == D("99.9") * TAKER - 100 * D("0.0002")


def test_less_of_it_filled_is_a_partial_fill() -> None:
    some = order(piece("0.4", 100), status=OrderStatus.PARTIALLY_FILLED_CANCELED)
    report = _compared(side(some), side(order(piece("0.4", 100), piece("0.6", 101))))
    assert _causes(report) == {"partial fill": -(D("0.6") * 4 - D("0.6") * 101 * TAKER)}


def test_an_order_the_venue_refused_is_rejected() -> None:
    refused = order(status=OrderStatus.REJECTED)
    assert set(_causes(_compared(side(refused), side(order(piece(1, 100)))))) == {"rejected"}


def test_other_limits_are_a_signal() -> None:
    dear = order(piece(1, 101, maker=True), type=OrderType.LIMIT, price=D(101))
    cheap = order(piece(1, 100, maker=True), type=OrderType.LIMIT, price=D(100))
    assert _causes(_compared(side(dear), side(cheap)))["signal"] == D(-1)


def test_another_rate_is_fee() -> None:
    there = piece(1, 100)
    here = replace(there, fee=D("0.1"), rate=D("0.001"))
    report = _compared(side(order(here)), side(order(there)))
    assert _causes(report) == {"fee": D("0.055") - D("0.1")}
    assert report.rows[0].note == "0.001 x 100 as taker, in the backtest 0.00055 x 100 as taker"


def test_another_rate_or_holding_at_a_settlement_is_funding() -> None:
    paid = Paid(LINEAR, 5, "USDT", D("0.30"), D("0.0003"), D(10))
    report = _compared(side(funding=(paid,)), side(funding=(replace(paid, amount=D("0.10"), rate=D("0.0001")),)))
    assert _causes(report) == {"funding": D("-0.20")}
    assert _causes(_compared(side(), side(funding=(paid,)))) == {"funding": D("0.30")}


def test_a_decision_a_little_later_is_the_same_order_and_an_hour_later_is_not() -> None:
    first = order(piece(1, 100), cause="timer", at=0)
    for gap, matched in ((SECOND, 1), (3600 * SECOND, 0)):
        report = _compared(side(first), side(order(piece(1, 100), cause="timer", at=gap)))
        assert report.counts.matched == matched
