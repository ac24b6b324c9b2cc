"""What a check's record says of amounts: the quick way says what the slow one does, and leverage follows its limits."""

from decimal import Decimal as D

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.engine.risk_bench import limits
from tradectl.engine.config import ScopeLimits
from tradectl.engine.limit_book import LimitBook
from tradectl.engine.risk_checks.candidate import failed, passed, text_of
from tradectl.model.commands import Check


def slow_text(value: D) -> str:
    """Eight decimals, then the zeros off."""
    if not value.is_finite() or abs(value.adjusted()) >= 30:
        return str(value)
    whole, _, rest = format(value, ".8f").partition(".")
    while rest.endswith("0"):
        rest = rest[:-1]
    text = f"{whole}.{rest}" if rest else whole
    return "0" if text == "-0" else text


@given(st.integers(-(10**14), 10**14), st.integers(-20, 6))
def test_an_amount_reads_as_with_eight_decimals_and_no_empty_zeros(digits: int, exponent: int) -> None:
    value = D(digits).scaleb(exponent)
    assert text_of(value) == slow_text(value)


def test_what_is_no_amount_is_shown_as_it_is() -> None:
    assert [text_of(D(text)) for text in ("Infinity", "NaN", "1E+40", "0.10", "-0.00", "100.000000000")] == [
        "Infinity", "NaN", "1E+40", "0.1", "0", "100",
    ]  # fmt: skip
    assert passed("a", D("1.50"), D(2)).told() == Check("a", True, "1.5", "2")
    assert failed("a", D("1.50"), 3, "too much") == Check("a", False, "1.5", "3", "too much")


def test_leverage_is_the_tighter_of_account_and_symbol_and_follows_a_change() -> None:
    book = LimitBook(limits(leverage=D(5)), {"symbol:ETHUSDT": ScopeLimits(leverage=D(3))}, {})
    assert [book.leverage(s) for s in ("BTCUSDT", "ETHUSDT", "ETHUSDT")] == [5, 3, 3]
    book.change("", {"leverage": "4"})
    book.change("symbol:ETHUSDT", {"leverage": "2"})
    assert [book.leverage(s) for s in ("BTCUSDT", "ETHUSDT")] == [4, 2]
