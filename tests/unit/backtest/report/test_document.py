"""The JSON document of a result keeps everything."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.unit.backtest.made_result import made_result
from tradectl.backtest.job import BacktestResult
from tradectl.backtest.report.document import ForeignModel, decode, encode, from_document, to_document
from tradectl.model.commands import Check, DecisionMade
from tradectl.model.errors import Problem
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.orders import Side
from tradectl.simulation.models import FixedLatency, Models, TierFees


def round_trip(result: BacktestResult) -> BacktestResult:
    return from_document(decode(encode(to_document(result))))


def with_job(result: BacktestResult, **changes: Any) -> BacktestResult:
    return msgspec.structs.replace(result, job=msgspec.structs.replace(result.job, **changes))


def test_a_result_comes_back_as_it_was() -> None:
    result = made_result(seed=3, hours=400, names=("trend", "fade"))
    assert len(result.executions) > 20
    assert round_trip(result) == result


def test_every_digit_of_an_amount_survives() -> None:
    amount = Decimal("12345678901234567890.12345678901234567890")
    assert round_trip(with_job(made_result(hours=5), cash=amount)).job.cash == amount
    assert round_trip(with_job(made_result(hours=5), cash=Decimal(10**30))).job.cash == Decimal(10**30)


def test_figures_that_have_no_value_come_back_as_nan() -> None:
    result = made_result(hours=1)
    assert result.metrics.sharpe != result.metrics.sharpe
    back = round_trip(result)
    assert back.metrics.sharpe != back.metrics.sharpe
    assert back.metrics.trades.won == result.metrics.trades.won


def test_decisions_with_checks_and_unmeasured_inputs_come_back() -> None:
    made = DecisionMade(
        7, 3, 11, "trend", InstrumentId(Category.LINEAR, "BTCUSDT"), "open", Side.BUY, Decimal("0.1"), None, "crossed",
        False, (Check("max_position", False, "10 %", "12 %", "too much"),),
        inputs=(("ema", 1.5), ("rsi", float("nan"))),
    )  # fmt: skip
    back = round_trip(msgspec.structs.replace(made_result(hours=5), decisions=(made,))).decisions[0]
    assert back.checks == made.checks
    assert back.inputs[0] == ("ema", 1.5)
    assert back.inputs[1][1] != back.inputs[1][1]


def test_models_of_the_house_come_back_and_others_keep_their_description() -> None:
    class Mine:
        def rate(self, instrument: object, ts: int) -> Decimal:
            return Decimal(0)

        def describe(self) -> str:
            return "funding as I like it"

    models = Models(fees=TierFees(name="VIP 3"), latency=FixedLatency(to_venue=5_000_000), funding=Mine())
    back = round_trip(with_job(made_result(hours=5), models=models)).job.models
    assert back.fees == models.fees
    assert back.latency == models.latency
    assert back.funding == ForeignModel("Mine", "funding as I like it")
    assert back.describe() == models.describe()
    again = round_trip(with_job(made_result(hours=5), models=back)).job.models
    assert again.funding == back.funding


def test_parameters_keep_their_types() -> None:
    result = made_result(hours=5)
    params = {"fast": 12, "weight": 2.0, "both": True, "price": "close"}
    one = msgspec.structs.replace(result.job.strategies[0], params=params)
    back = round_trip(with_job(result, strategies=(one,))).job.strategies[0].params
    assert back == params
    assert [type(it) for it in back.values()] == [int, float, bool, str]


def test_extra_keeps_decimals_apart_from_floats() -> None:
    extra = {"study": {"best": Decimal("1.10"), "score": 0.5, "rows": [1, None, "x"]}}
    assert round_trip(msgspec.structs.replace(made_result(hours=5), extra=extra)).extra == extra


@pytest.mark.parametrize("data", [b"", b"[1]", b'{"version": 1}', b'{"version": 2}', b'{"version": 1, "job": 3}'])
def test_what_is_no_result_is_refused(data: bytes) -> None:
    with pytest.raises(Problem):
        from_document(decode(data))
