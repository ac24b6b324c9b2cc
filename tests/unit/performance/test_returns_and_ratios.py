"""Days, transfers, and what a ratio says where it has no value."""

import math
from decimal import Decimal

import pytest

from tradectl.performance import ratios
from tradectl.performance.drawdowns import Drawdown, drawdowns
from tradectl.performance.returns import DAY, Day, Flow, Mark, changes, daily


def mark(day: float, equity: str) -> Mark:
    return Mark(int(day * DAY), Decimal(equity))


def test_a_day_counts_its_last_mark_and_a_missing_day_repeats():
    days = daily([mark(10.9, "110"), mark(9.1, "100"), mark(10.2, "90"), mark(12.5, "121")])
    assert [(d.number, d.equity) for d in days] == [(9, 100.0), (10, 110.0), (11, 110.0), (12, 121.0)]
    assert changes(days) == pytest.approx([0.1, 0.0, 0.1])


def test_money_moved_in_or_out_is_no_profit():
    marks = [mark(1.5, "100"), mark(2.5, "210"), mark(3.5, "105")]
    flows = [Flow(int(2.1 * DAY), Decimal(100)), Flow(int(3.2 * DAY), Decimal(-105))]
    assert changes(daily(marks, flows)) == pytest.approx([0.1, 0.0])


def test_what_came_before_the_first_mark_does_not_count():
    assert changes(daily([mark(1.5, "100"), mark(2.5, "110")], [Flow(int(1.1 * DAY), Decimal(100))])) == [
        pytest.approx(0.1)
    ]


def test_nothing_to_measure():
    assert daily([]) == []
    names = ("total_return", "annual_return", "volatility", "sharpe", "sortino", "omega", "max_drawdown", "calmar",
             "value_at_risk", "expected_shortfall")  # fmt: skip
    for name in names:
        assert math.isnan(getattr(ratios, name)([])), name
    assert math.isnan(ratios.sharpe([0.01] * 9))
    assert math.isnan(ratios.sortino([0.01] * 9))
    assert math.isnan(ratios.omega([0.01]))
    assert math.isnan(ratios.calmar([0.01]))


def test_losing_everything_is_minus_one():
    assert ratios.total_return([0.5, -1.0]) == -1.0
    assert ratios.annual_return([0.5, -1.0]) == -1.0
    assert ratios.annual_return([8.0]) == math.inf  # a float does not hold nine times the money every day
    assert ratios.max_drawdown([0.5, -1.0]) == -1.0


def test_drawdowns_by_hand():
    changes_ = [math.nan, 0.10, -0.20, 0.10, 0.20, -0.05]
    days = [Day(100 + i, 0.0, change) for i, change in enumerate(changes_)]
    first, second = drawdowns(days)
    assert first == Drawdown(101, 102, 104, pytest.approx(-0.2), 3)
    assert second == Drawdown(104, 105, None, pytest.approx(-0.05), 1)
