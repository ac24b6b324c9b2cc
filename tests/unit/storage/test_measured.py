"""Metrics and profit from the database: the account, a strategy, a span, transfers left out."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from tradectl.model.commands import EquityMarked, LedgerBooked
from tradectl.model.errors import Problem
from tradectl.model.orders import Side
from tradectl.performance.returns import DAY
from tradectl.rpc import params
from tradectl.storage.batch import Batch
from tradectl.storage.measured import Measured
from tradectl.storage.projector import Projector

D = Decimal


def equity(day, value, strategy="", unrealised="0"):
    return EquityMarked(int(day * DAY), strategy, D(value), D(0), D(unrealised))


@pytest.fixture
def measured(engine, make):
    """Three days: 1000, 1100, then 500 more are paid in and 110 are lost; one strategy made 50 of the 100."""
    fills = []
    for n, (side, qty, price, realised) in enumerate(
        ((Side.BUY, "1", "100", "0"), (Side.SELL, "1", "150", "50"), (Side.BUY, "2", "100", "0"))
    ):
        booked = make.execution(f"e{n}", ts=DAY + n, strategy="ema" if n < 2 else "other")
        done = replace(
            booked.execution, side=side, qty=D(qty), price=D(price), value=D(qty) * D(price), fee=D("0.5"),
        )  # fmt: skip
        fills.append(replace(booked, execution=done, realised=D(realised), arrival=D(price) - 1))
    marks = [equity(1.5, "1000"), equity(2.5, "1100"), equity(3.5, "1490", unrealised="7"),
             equity(1.5, "0", "ema"), equity(2.5, "50", "ema"), equity(3.5, "50", "ema")]  # fmt: skip
    batch = Batch("run1", 0)
    batch.add(make.entry(1, *marks, *fills, LedgerBooked(1, "t1", "TRANSFER_IN", "USDT", D(500), int(3.2 * DAY))))
    Projector(engine).commit(batch)
    return Measured(engine)


def test_the_account_without_what_was_paid_in(measured):
    found = measured.metrics(params.MetricsOf())
    assert found.days == 3
    assert found.returns["total_return"] == pytest.approx(1.1 * 0.9 - 1)
    assert (found.drawdown.depth, found.drawdown.peak, found.drawdown.recovered) == (
        pytest.approx(-0.1), "1970-01-03", None,
    )  # fmt: skip
    assert (found.trades["trades"], found.trades["win_rate"], found.trades["profit_factor"]) == (1, 1.0, None)
    assert (found.profit.net, found.profit.slippage, found.unrealised) == (D("48.5"), D(2), D(7))


def test_a_strategy_as_if_the_account_held_it_alone(measured):
    found = measured.metrics(params.MetricsOf(strategy="ema"))
    assert found.returns["total_return"] == pytest.approx(0.05)
    assert found.profit.trades == 2


def test_a_span_and_what_has_no_value(measured):
    found = measured.metrics(params.MetricsOf(since=9 * DAY))
    assert (found.days, found.since, found.drawdown) == (0, 9 * DAY, None)
    assert found.returns["sharpe"] is None
    assert found.trades["win_rate"] is None


@pytest.mark.parametrize(
    ("by", "keys"),
    [("day", ["1970-01-02"]), ("month", ["1970-01"]), ("strategy", ["ema", "other"]), ("symbol", ["linear:BTCUSDT"])],
)
def test_profit_by(measured, by, keys):
    found = measured.profit(params.ProfitBy(by=by))
    assert [row.key for row in found.profits] == keys
    assert found.total.net == D("48.5") == sum(row.net for row in found.profits)


def test_an_unknown_grouping(measured):
    with pytest.raises(Problem, match="by is 'year'"):
        measured.profit(params.ProfitBy(by="year"))
