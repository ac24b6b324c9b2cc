"""The book made around a price."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.matching.support import D
from tradectl.matching.synthetic_book import BookShape, synthetic_book
from tradectl.model.money import use_exact_context


@given(st.integers(1, 10**7), st.integers(1, 20), st.integers(1, 60), st.integers(1, 1000), st.integers(0, 1000))
def test_uncrossed_sorted_and_around_the_price(ticks: int, spread: int, levels: int, base: int, step: int) -> None:
    use_exact_context()
    price = ticks * D("0.5")
    bids, asks = synthetic_book(price, D("0.5"), D("0.01"), BookShape(spread, levels, base, step))
    assert len(asks) == levels
    assert [level for level, _ in bids] == sorted({level for level, _ in bids}, reverse=True)
    assert [level for level, _ in asks] == sorted({level for level, _ in asks})
    assert asks[0][1] == base * D("0.01")
    if bids:
        assert asks[0][0] - bids[0][0] == spread * D("0.5")
        assert bids[0][0] <= price <= asks[0][0]
        assert bids[-1][0] > 0


@pytest.mark.parametrize(
    ("price", "shape"),
    [("0", BookShape()), ("1.03", BookShape()), ("1", BookShape(spread=0)), ("1", BookShape(levels=0))],
)
def test_bad_arguments(price: str, shape: BookShape) -> None:
    with pytest.raises(ValueError, match="positive"):
        synthetic_book(D(price), D("0.1"), D("0.001"), shape)
