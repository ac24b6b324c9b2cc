"""The compiled account against its slow twin in exact arithmetic, over random signals, costs, limits and funding."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.backtest.arrays.market import INFO, MINUTE, T0, candles, job_of, with_gaps
from tradectl.backtest.arrays.amounts import share_of
from tradectl.backtest.arrays.codes import ACCOUNT, DOUBTFUL
from tradectl.backtest.arrays.exact import simulate_exactly
from tradectl.backtest.arrays.prepared import Inputs
from tradectl.backtest.arrays.run import raw_run
from tradectl.engine.risk_limits import RiskLimits
from tradectl.history.series import Points
from tradectl.simulation.models import FixedLatency, FixedSlippage, FixedSpread, Models
from tradectl.strategies.ema_cross import EmaCross

_OWN = ("fills", "stands", "ledger", "lots", "equity", "trips", "won", "lost", "gained", "given", "fees", "funding",
        "orders", "refused", "flags")  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(st.integers(-(10**17), 10**17), st.integers(-1000, 1000), st.sampled_from([1000, 20_000, 10**8, 3 * 10**9]))
def test_a_share_is_rounded_half_to_even_whatever_its_size(value: int, num: int, den: int) -> None:
    assert share_of(value, num, den) == round(Fraction(value * num, den))


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_the_compiled_account_ends_where_its_exact_twin_ends(data: st.DataObject) -> None:
    draw = data.draw
    made = candles(300, draw(st.integers(0, 10**6)), wild=draw(st.sampled_from([0.0005, 0.01, 0.05])))
    made = with_gaps(made) if draw(st.booleans()) else made
    models = Models(
        spread=FixedSpread(draw(st.integers(0, 5)), draw(st.sampled_from([0.0, 3.0]))),
        slippage=FixedSlippage(draw(st.sampled_from([0.0, 2.0, 10.0]))),
        latency=FixedLatency(0, draw(st.sampled_from([0, 300_000, 20_000_000])), 0),
    )
    limits = draw(
        st.sampled_from([None, RiskLimits(), RiskLimits(position_share=Decimal("0.2"), margin_share=Decimal(0))])
    )
    more: dict[str, Any] = {"limits": limits} if limits is not None else {}
    capital = draw(st.sampled_from(["0.1", "0.5", "1", "2.5"]))
    job = job_of(
        made, {}, 30, capital, models=models, cash=Decimal(draw(st.sampled_from([50, 1_000, 2_000_000]))), **more
    )
    at = T0 + np.arange(1, 9) * 37 * MINUTE
    funding = Points(
        at, np.array(draw(st.lists(st.sampled_from([0.0001, -0.0003, 0.00012345]), min_size=8, max_size=8)))
    )
    asked = Inputs(job, made, INFO, funding if limits is None else None).signals(EmaCross, {})
    dense = np.random.default_rng(draw(st.integers(0, 10**6)))
    codes = dense.integers(0, 16, len(asked.codes)) * (
        dense.random(len(asked.codes)) < draw(st.sampled_from([0.02, 0.5]))
    )
    asked.codes[:] = codes
    asked.rules["entry"], asked.rules["patience"] = draw(st.integers(0, 2)), draw(st.sampled_from([0, 3, 20]))
    fast, slow = raw_run(asked), simulate_exactly(asked)
    assert fast.account.dtype == ACCOUNT
    for mine, exact in zip((fast.fills, fast.stands, fast.days), slow[:3], strict=True):
        assert mine.tolist() == exact.tolist()
    mine = {name: int(fast.account[name][0]) for name in _OWN}
    exact_ = {name: int(slow[3][name][0]) for name in _OWN}
    mine["flags"] &= ~DOUBTFUL
    assert mine == exact_
