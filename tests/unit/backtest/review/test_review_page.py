"""The review's page is whole, asks the network for nothing, and says nothing it was told to hide."""

import re
from decimal import Decimal

import msgspec
import pytest

from tests.unit.backtest.report.test_page import data_of, read
from tests.unit.backtest.review.made_past import LINEAR, MINUTE, START, Made
from tests.unit.backtest.review.test_review import golden
from tradectl.backtest.review.page import page
from tradectl.backtest.review.review import review_of
from tradectl.model.errors import Problem
from tradectl.model.money import use_exact_context

D = Decimal


@pytest.fixture(autouse=True)
def exact_context() -> None:
    use_exact_context()


@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize("made", [golden(), Made()], ids=["traded", "idle"])
def test_the_page_is_well_formed_and_self_contained(made: Made, hidden: bool) -> None:
    if not made.rows:
        made.row("TRANSFER_IN", "USDT", START, D(5))
    text = page(review_of(made.past(), {}, "live"), hidden)
    reader = read(text)
    assert not any(tag in ("link", "img", "iframe") for tag, _ in reader.tags)
    assert not re.search(r"https?://", text)
    assert "What was assumed" in reader.text


def test_the_curve_ends_at_the_net_of_trading() -> None:
    text = page(review_of(golden().past(), {}, "live"))
    curve = data_of(text)["charts"]["earned"]["lines"][0]["y"]
    assert curve[0] == 0
    assert curve[-1] == pytest.approx(-29.1211)
    assert "−29.12 USD" in text


def test_what_stands_out_is_sorted_by_what_it_cost() -> None:
    text = " ".join(read(page(review_of(golden().past(), {}, "live"))).text)
    found = [text.index(word) for word in ("took 26.11 USD", "cost 5.00 USD", "cost 1.01 USD")]
    assert found == sorted(found)


def test_hidden_amounts_are_per_cent_of_what_the_account_had() -> None:
    text = page(review_of(golden().past(), {}, "live"), True)
    assert "−0.28 %" in text  # -29.1211 of 10,000 and the 500 paid in
    for shown in ("29.12", "26.11", "10,000", "500.00", "Opening"):
        assert shown not in text


def test_without_dollars_there_is_nothing_to_hide_amounts_in() -> None:
    with pytest.raises(Problem, match="cannot be hidden"):
        page(review_of(Made().past(), {}, "live"), True)


def test_words_of_the_venue_are_text_and_not_markup() -> None:
    made = golden()
    made.row("<b>GIFT</b>", "US<i>", START + MINUTE, D(1))
    review = review_of(made.past(notes=("a note with <script>",)), {}, "live")
    text = page(msgspec.structs.replace(review, mode="<u>"))
    assert "<b>GIFT" not in text
    assert "US<i>" not in text
    assert "a note with <script>" not in text
    assert "<u>" not in text
    assert str(LINEAR) in text
