"""When perpetuals settle, and at what rate."""

from decimal import Decimal

import numpy as np
from msgspec.structs import replace

from tests.unit.backtest.candles import BTC, MINUTE, NO_SPREAD, START, candles, history, instrument, job
from tests.unit.backtest.test_runner import scripted
from tradectl.backtest.runner import run_backtest
from tradectl.backtest.settlements import settlements
from tradectl.history.series import Points
from tradectl.simulation.models import FixedFunding

HOUR = 60 * MINUTE
PERPETUAL = instrument()  # settles every eight hours
RATE = Decimal("0.0001")


def points(*hours: int) -> list[Points]:
    return [Points(np.array([START + h * HOUR], dtype=np.int64), np.array([0.0003])) for h in hours]


def test_the_data_speaks_where_it_has_rates_and_the_model_before_and_after() -> None:
    found = list(settlements(PERPETUAL, points(16, 20, 24), FixedFunding(RATE), START, START + 40 * HOUR))
    hours = [((ts - START) // HOUR, rate) for ts, rate in found]
    assert hours == [
        (8, RATE), (16, Decimal("0.0003")), (20, Decimal("0.0003")), (24, Decimal("0.0003")), (32, RATE), (40, RATE)
    ]  # fmt: skip


def test_a_model_of_nothing_settles_nothing_and_neither_does_spot() -> None:
    assert not list(settlements(PERPETUAL, [], FixedFunding(), START, START + 40 * HOUR))
    spot = replace(PERPETUAL, funding_interval=0)
    assert not list(settlements(spot, [], FixedFunding(RATE), START, START + 40 * HOUR))


def test_a_position_pays_the_models_rate_where_there_is_no_data() -> None:
    rows = [(100.0, 100.0, 100.0, 100.0)] * (9 * 60)
    models = replace(NO_SPREAD, funding=FixedFunding(RATE))
    data = {BTC: candles(rows)}
    done = run_backtest(job(data, "scripted", models=models), history(data), scripted({1: "buy:2"}))
    bought, paid = (it.execution for it in done.executions)
    assert (paid.type, paid.ts, paid.fee) == ("Funding", START + 8 * HOUR, Decimal("0.02"))
    assert done.final_equity == Decimal(10_000) - bought.fee - paid.fee
