"""The one way text becomes an amount, amounts are rounded and ids are written."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradectl.model.ids import LinkId, from_base32, order_link_id, parse_link_id, run_id, to_base32
from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.model.money import (
    EXACT,
    amount_or_zero,
    ceil_to,
    exact,
    floor_to,
    is_multiple,
    parse_amount,
    plain,
    to_coin,
    use_exact_context,
)

steps = st.sampled_from(["0.1", "0.01", "0.5", "0.001", "1", "10", "0.00000001", "2.5", "0.3", "0.07"]).map(Decimal)
values = st.decimals(min_value=Decimal(-10) ** 9, max_value=Decimal(10) ** 9, places=8)


@given(values, steps)
def test_rounding_to_a_step_equals_the_fractions(value: Decimal, step: Decimal) -> None:
    use_exact_context()
    quotient = Fraction(value) / Fraction(step)
    down = quotient.numerator // quotient.denominator
    assert Fraction(floor_to(value, step)) == down * Fraction(step)
    assert Fraction(ceil_to(value, step)) == (down + (down != quotient)) * Fraction(step)
    assert is_multiple(value, step) == (quotient.denominator == 1)


def test_multiples_of_numbers_nobody_means() -> None:
    assert is_multiple(Decimal("1E+400"), Decimal("0.001"))
    assert not is_multiple(Decimal("1E+60"), Decimal("0.3"))
    assert not is_multiple(Decimal("1E-400"), Decimal("0.001"))


@pytest.mark.parametrize("text", ["NaN", "sNaN", "Infinity", "-Infinity", "1,5", "one", " ", "1 2", "--1"])
def test_what_is_no_finite_number_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a (finite )?number"):
        parse_amount(text)


@pytest.mark.parametrize(("text", "value"), [("", None), (None, None), ("0", "0"), ("-1.50", "-1.50"), ("1e3", "1000")])
def test_amounts_are_read(text: str | None, value: str | None) -> None:
    assert parse_amount(text) == (None if value is None else Decimal(value))
    assert amount_or_zero(text) == Decimal(value or 0)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=12, min_value=-(10**12), max_value=10**12))
def test_plain_text_is_the_same_number_without_exponent_or_padding(value: Decimal) -> None:
    text = plain(value)
    assert Decimal(text) == value
    assert "e" not in text.lower()
    assert "." not in text or not text.endswith(("0", "."))
    assert plain(Decimal(text)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [("1E+1", "10"), ("-0.00", "0"), ("0", "0"), ("1.2300", "1.23"), ("100", "100"), ("1E-9", "0.000000001")],
)
def test_plain_examples(value: str, text: str) -> None:
    assert plain(Decimal(value)) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_the_text_it_came_from(value: float) -> None:
    assert float(exact(value)) == value


def test_coins_round_half_even_and_the_context_is_exact() -> None:
    assert to_coin(Decimal("0.000000005")) == 0
    assert to_coin(Decimal("0.000000015")) == Decimal("0.00000002")
    assert EXACT.prec == 50


@given(st.integers(0, 2**40 - 1), st.integers(0, 32**3 - 1), st.integers(0, 32**10 - 1))
def test_link_ids_round_trip(bits: int, instance: int, seq: int) -> None:
    run = run_id(bits)
    text = order_link_id(run, instance, seq)
    assert len(text) == 24 <= 36
    assert parse_link_id(text) == LinkId(run, instance, seq)
    assert from_base32(to_base32(seq, 10)) == seq


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "wd-123", "my-own-order", "t0000000-0000-0000000000", "t00000000-00-00000000000",
        "T00000000-000-0000000000", "t0000000L-000-0000000000", "t00000000-000-000000000i",
        "t00000000-000-0000000000-", "00000000t-000-0000000000", "t00000000_000_0000000000",
        "--t0000000000000000000000",
    ],
)  # fmt: skip
def test_foreign_ids_are_nobody_of_ours(text: str) -> None:
    assert parse_link_id(text) is None


@pytest.mark.parametrize(("number", "width"), [(-1, 3), (32**3, 3)])
def test_what_does_not_fit_is_an_error(number: int, width: int) -> None:
    with pytest.raises(OverflowError):
        to_base32(number, width)


def test_ids_differ_wherever_their_parts_do() -> None:
    ids = {order_link_id(run_id(r), i, s) for r in range(3) for i in range(3) for s in range(40)}
    assert len(ids) == 3 * 3 * 40


@given(st.decimals(min_value=0, max_value=10**6, places=6), st.booleans())
def test_instruments_round_to_the_safe_side(value: Decimal, buy: bool) -> None:
    use_exact_context()
    info = Instrument(
        InstrumentId(Category.LINEAR, "BTCUSDT"), "BTC", "USDT", "USDT", Decimal("0.1"), Decimal("0.001"),
        Decimal("0.001"), Decimal(100), Decimal(100), Decimal(5),
    )  # fmt: skip
    size = info.floor_qty(value)
    assert value - info.lot_size < size <= value
    price = info.passive_price(value, buy)
    assert (price <= value) if buy else (price >= value)
    assert abs(price - value) < info.tick_size
    assert is_multiple(price, info.tick_size)
    assert str(info.id) == "linear:BTCUSDT"


def test_what_equals_another_float_keeps_its_own_digits() -> None:
    for first, second in ((0.0, -0.0), (-0.0, 0.0), (1, 1.0), (1.0, 1)):
        assert [str(exact(first)), str(exact(second))] == [repr(first), repr(second)]
