"""The figures of a result agree with its own equity, fills and prices."""

import math
from decimal import Decimal

import msgspec
import pytest

from tests.unit.backtest.made_result import CASH, HOUR, START, made_result
from tradectl.backtest.job import PriceBar, Sample
from tradectl.backtest.report.benchmark import buy_and_hold
from tradectl.backtest.report.document import encode
from tradectl.backtest.report.figures import summary
from tradectl.performance.metrics import Flow, Mark, metrics

RESULT = made_result(seed=5, hours=900, names=("trend", "fade"))


def test_the_cost_split_adds_up_to_the_change_of_equity_exactly() -> None:
    it = summary(RESULT)["profit"]
    assert it["change"] == RESULT.final_equity - CASH
    assert it["price"] - it["slippage"] - it["fees"] - it["funding"] + it["unrealised"] == it["change"]
    held = {fill.strategy + fill.instrument.symbol for fill in RESULT.fills}
    assert len(held) == 4


def test_the_return_is_that_of_the_equity_and_equals_the_compounded_days() -> None:
    found = summary(RESULT)["returns"]["total_return"]
    assert found == pytest.approx(float(RESULT.final_equity / CASH) - 1, abs=1e-15)
    assert RESULT.metrics.total_return == pytest.approx(found, abs=1e-12)


def test_rows_by_symbol_and_strategy_add_up_to_the_whole() -> None:
    data = summary(RESULT)
    for rows in (data["per_symbol"], data["per_strategy"]):
        assert sum((row["profit"]["net"] for row in rows), Decimal(0)) == data["profit"]["net"]
        assert sum(row["trades"]["trades"] for row in rows) == data["trades"]["trades"] > 10


def test_buy_and_hold_is_the_mean_of_the_instruments() -> None:
    whole, *each = buy_and_hold(RESULT)
    ends = {name: bars[-1].close / bars[0].open for name, bars in RESULT.prices.items()}
    assert {it.name: it.levels[-1][1] for it in each} == ends
    assert whole.levels[-1][1] == pytest.approx(sum(ends.values()) / 2)
    assert whole.figures.total_return == pytest.approx(whole.levels[-1][1] - 1, abs=1e-9)


def test_an_instrument_that_begins_later_is_cash_until_then() -> None:
    late = (PriceBar(START + 5 * HOUR, 10.0, 20.0, 10.0, 20.0),)
    early = tuple(PriceBar(START + n * HOUR, 10.0, 10.0, 10.0, 10.0) for n in range(9))
    whole = buy_and_hold(msgspec.structs.replace(RESULT, prices={"a": early, "b": late}))[0]
    assert [level for _, level in whole.levels] == [1.0] * 5 + [1.5] * 4


def test_bars_before_the_run_are_not_held() -> None:
    bars = tuple(PriceBar(START + n * HOUR, 10.0 + n, 99.0, 1.0, 10.0 + n) for n in range(-5, 3))
    whole = buy_and_hold(msgspec.structs.replace(RESULT, prices={"a": bars}))[0]
    assert [level for _, level in whole.levels] == [1.0, 1.1, 1.2]


def test_money_paid_in_is_no_profit() -> None:
    day = 24 * HOUR
    samples = [Sample(START + n * day - 1, CASH + (1000 if n > 1 else 0), Decimal(0)) for n in range(4)]
    flows = {"flows": [[START + day + HOUR, Decimal(1000)]]}
    marks = [Mark(it.at, it.equity) for it in samples]
    paid = msgspec.structs.replace(
        RESULT, samples=tuple(samples), extra=flows, fills=(),
        metrics=metrics(marks, (), [Flow(START + day + HOUR, Decimal(1000))]),
    )  # fmt: skip
    data = summary(paid)
    assert data["returns"]["total_return"] == 0.0
    assert (data["profit"]["transfers"], data["profit"]["change"], data["profit"]["unrealised"]) == (1000, 0, 0)


def test_a_run_without_trades_or_prices_has_figures_that_are_null_not_zero() -> None:
    empty = made_result(hours=1)
    bare = msgspec.structs.replace(
        empty, fills=(), executions=(), prices={}, samples=(), metrics=type(empty.metrics)(
            **{**msgspec.structs.asdict(empty.metrics), "sharpe": math.nan}
        ),
    )  # fmt: skip
    data = summary(bare)
    assert data["returns"]["sharpe"] is None
    assert data["returns"]["total_return"] == 0.0
    assert data["buy_and_hold"] == []
    assert data["trades"]["win_rate"] is None
    assert b"NaN" not in encode(data)
