"""Positions that keep cost: nothing is ever lost, whatever is traded."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.matching.support import D
from tradectl.matching.position_cost import Traded, trade
from tradectl.model.money import use_exact_context


def at_price(size: Decimal, cost: Decimal, qty: Decimal, price: Decimal) -> Traded:
    """A linear trade: value is price times quantity."""
    return trade(size, cost, qty, qty * price, -size * price)


trades = st.lists(
    st.tuples(st.integers(-10_000, 10_000).filter(bool), st.integers(1, 2_000_000)), min_size=1, max_size=40
)


@given(trades)
def test_cost_minus_realised_is_exactly_what_was_paid(flow: list[tuple[int, int]]) -> None:
    use_exact_context()
    size = cost = realised = D(0)
    paid = Fraction(0)
    for lots, ticks in flow:
        qty, price = lots * D("0.001"), ticks * D("0.1")
        result = at_price(size, cost, qty, price)
        size, cost, realised = result.size, result.cost, realised + result.realised
        paid += Fraction(qty) * Fraction(price)
        assert Fraction(cost) - Fraction(realised) == paid
        assert size != 0 or cost == 0, "a flat position has no cost"
    assert size == sum(lots for lots, _ in flow) * D("0.001")


@pytest.mark.parametrize(
    ("size", "cost", "qty", "price", "expected"),
    [
        ("0", "0", "2", "100", ("2", "200", "0", "0")),
        ("2", "200", "1", "130", ("3", "330", "0", "0")),
        ("3", "100", "-1", "40", ("2", "66.66666667", "6.66666667", "1")),  # 40 - 33.33..., the rest stays in cost
        ("-3", "-100", "1", "40", ("-2", "-66.66666667", "-6.66666667", "1")),
        ("2", "66.66666667", "-2", "40", ("0", "0", "13.33333333", "2")),
        ("1", "100", "-3", "90", ("-2", "-180", "-10", "1")),  # through zero
        ("-1", "-100", "3", "90", ("2", "180", "10", "1")),
    ],
)
def test_examples(size: str, cost: str, qty: str, price: str, expected: tuple[str, str, str, str]) -> None:
    result = at_price(D(size), D(cost), D(qty), D(price))
    assert (result.size, result.cost, result.realised, result.closed) == tuple(map(Decimal, expected))


def test_half_a_step_is_rounded_to_even() -> None:
    result = at_price(D(2), D("0.00000001"), D(-1), D("0.00000002"))
    assert result.realised == D("0.00000002")  # 1.5 steps
    result = at_price(D(2), D("0.00000001"), D(-1), D("0.00000003"))
    assert result.realised == D("0.00000002")  # 2.5 steps
