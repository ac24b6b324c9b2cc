"""A whole backtest over arrays leaves what the event-driven run leaves, field by field and to the last digit."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from hypothesis import event, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.unit.backtest.arrays.market import BTC, INFO, MINUTE, T0, candles, job_of, with_gaps
from tradectl.backtest.arrays.complete import complete
from tradectl.backtest.job import BacktestJob, BacktestResult
from tradectl.backtest.limits import wide_open
from tradectl.backtest.runner import run_backtest
from tradectl.engine.risk_limits import RiskLimits
from tradectl.engine.strategy import Strategy
from tradectl.history.reading import MemoryHistory
from tradectl.history.series import Candles, Columns, Kind, Points, SeriesId
from tradectl.matching.views import AccountFees
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.instruments import Instrument
from tradectl.simulation.models import FixedLatency, FixedSlippage, FixedSpread, Models, TierFees
from tradectl.strategies.ema_cross import EmaCross
from tradectl.strategies.ma_cross import KINDS, MaCross

#: What may differ: how long it took, and who did it.
APART = ("cpu_seconds", "wall_seconds", "extra")
TURNS: dict[str, Any] = {"fast": 4, "slow": 15, "interval": "1m", "short": True}


#: Limits set to values that may bind, mostly none.
LIMITS: st.SearchStrategy[dict[str, Any]] = st.one_of(st.just({}), st.just({}), st.fixed_dictionaries({}, optional={
    "require_stop": st.booleans(), "orders_per_minute": st.sampled_from([1, 20, 300]),
    "orders_per_second": st.sampled_from([1, 2, 20]), "open_orders": st.sampled_from([1, 2, 50]),
    "flood_per_minute": st.sampled_from([1, 3, 100]), "repeat_orders": st.sampled_from([1, 3, 100]),
    "repeat_seconds": st.sampled_from([60, 3600]), "duplicate_ms": st.sampled_from([200, 59_999, 60_000]),
    "stale_quote_seconds": st.sampled_from([1, 120]), "refuse_self_trade": st.booleans(),
    "refuse_locked": st.booleans(), "order_share": st.sampled_from([Decimal("0.05"), Decimal(1)]),
    "margin_share": st.sampled_from([Decimal("0.5"), Decimal(1)]), "day_loss_share": st.sampled_from([Decimal("0.01")]),
    "liquidation_share": st.sampled_from([Decimal("0.2"), Decimal("0.9")]),
    "funding_share": st.sampled_from([Decimal("0.0001"), Decimal("0.001")]),
}))  # fmt: skip


#: What else an instrument may say, mostly nothing.
FILTERS: st.SearchStrategy[dict[str, Any]] = st.one_of(st.just({}), st.fixed_dictionaries({}, optional={
    "status": st.sampled_from(["Trading", "Trading", "Closed"]),
    "min_notional": st.sampled_from([Decimal(0), Decimal(50)]),
    "max_leverage": st.sampled_from([Decimal(1), Decimal(2), Decimal("12.5")]),
    "price_limit_x": st.just(Decimal("0.01")), "price_limit_y": st.just(Decimal("0.02")),
    "min_price": st.sampled_from([Decimal(1), Decimal(50_000)]), "max_price": st.sampled_from([Decimal(40), None]),
    "launched": st.just(T0 + 20 * MINUTE),
}))  # fmt: skip


def history_of(made: Candles, funding: Points | None, info: Instrument = INFO) -> MemoryHistory:
    data: dict[SeriesId, Columns] = {SeriesId(BTC, Kind.CANDLES, "1m"): made}
    if funding is not None:
        data[SeriesId(BTC, Kind.FUNDING)] = funding
    return MemoryHistory(data, [info])


def differing(one: BacktestResult, other: BacktestResult) -> list[str]:
    """Where two results differ: all amounts are the same numbers, and NaN is NaN."""
    return [
        told
        for name in one.__struct_fields__
        if name not in APART
        for told in _differing(name, getattr(one, name), getattr(other, name))
    ]


def _differing(name: str, one: Any, other: Any) -> list[str]:
    if isinstance(one, str) or not (isinstance(one, Sequence) and isinstance(other, Sequence)):
        return [] if _same(one, other) else [f"{name}: {one!r} is not {other!r}"]
    found = [f"{name}: {len(one)} of them, not {len(other)}"] if len(one) != len(other) else []
    pairs = ((i, a, b) for i, (a, b) in enumerate(zip(one, other, strict=False)) if not _same(a, b))
    return found + [f"{name}[{i}]: {a!r} is not {b!r}" for i, a, b in list(pairs)[:2]]


def _same(one: Any, other: Any) -> bool:
    return bool(one == other) or repr(one) == repr(other)


def assert_same(job: BacktestJob, history: MemoryHistory, cls: type[Strategy]) -> BacktestResult:
    fast, slow = complete(job, history, {"it": cls}), run_backtest(job, history, {"it": cls})
    told = differing(fast, slow)
    assert not told, "\n".join(told)
    return fast


@st.composite
def jobs(draw: st.DrawFn) -> tuple[BacktestJob, MemoryHistory, type[Strategy]]:
    """Markets, costs, instruments and parameters of every kind that may go over arrays, and some that may not."""
    digits = draw(st.integers(0, 3))
    start = draw(st.sampled_from([0.7, 30.0, 2_500.0, 60_000.0]))
    made = candles(
        draw(st.integers(40, 600)), draw(st.integers(0, 10**6)), draw(st.sampled_from([0.0005, 0.002, 0.01])), start,
        10.0**-digits,
    )  # fmt: skip
    made.volume[draw(st.integers(0, len(made) - 1))] = 0.0
    made = with_gaps(made, draw(st.integers(0, 99))) if draw(st.booleans()) else made
    lot = Decimal(1).scaleb(-draw(st.integers(0, 4)))
    info = replace(
        INFO, tick_size=Decimal(1).scaleb(-digits), lot_size=lot, min_qty=lot * draw(st.sampled_from([1, 1, 1, 3])),
        max_market_qty=draw(st.sampled_from([Decimal(500), Decimal(100_000)])), **draw(FILTERS),
    )  # fmt: skip
    leverage = draw(st.sampled_from([Decimal(1), Decimal(3)]))
    taker = draw(st.sampled_from([Decimal(0), Decimal("0.00055"), Decimal("0.001")]))
    ways = [(0, 0, 0)] * 4 + [(0, 500_000, 0), (0, 50_000_000, 0), (0, 10**8, 10**8), (10**6, 10**6, 0)]
    models = Models(
        fees=TierFees(AccountFees(linear_taker=taker)),
        spread=FixedSpread(draw(st.integers(0, 3)), draw(st.sampled_from([0.0, 1.5]))),
        slippage=FixedSlippage(draw(st.sampled_from([0.0, 2.0]))), latency=FixedLatency(*draw(st.sampled_from(ways))),
    )  # fmt: skip
    limits = replace(draw(st.sampled_from([wide_open(leverage), RiskLimits(refuse_locked=False)])), **draw(LIMITS))
    params = {"fast": draw(st.integers(2, 8)), "slow": draw(st.integers(9, 25)), "interval": "1m"}
    cls = draw(st.sampled_from([EmaCross, MaCross]))
    if cls is MaCross:
        params |= {"kind": draw(st.sampled_from(list(KINDS))), "short": draw(st.booleans())}
    cash = Decimal(str(start)) * draw(st.sampled_from([Decimal("1.234"), Decimal(20), Decimal(1_000)]))
    job = job_of(
        made, params, draw(st.integers(0, 30)), draw(st.sampled_from(["0.1", "0.95", "1"])), models=models,
        limits=limits, leverage=leverage, cash=cash,
    )  # fmt: skip
    return job, history_of(made, draw(fundings()), info), cls


@st.composite
def fundings(draw: st.DrawFn) -> Points | None:
    if draw(st.booleans()):
        return None
    rates = draw(st.lists(st.integers(-400, 400), min_size=1, max_size=12))
    every, first = draw(st.sampled_from([60, 7])), draw(st.integers(0, 30))
    return Points(T0 + (first + np.arange(len(rates)) * every) * MINUTE, np.array(rates) / 1e6)


@given(jobs())
@settings(max_examples=120, deadline=None)
def test_every_field_is_that_of_the_event_driven_run(drawn: tuple[BacktestJob, MemoryHistory, type[Strategy]]) -> None:
    job, history, cls = drawn
    try:
        fast = complete(job, history, {"it": cls})
    except Problem as problem:
        if problem.code is not ErrorCode.NOT_READY:
            raise
        event(problem.message.partition(": ")[2])
        return
    event(f"told, {min(len(fast.fills), 20) // 5 * 5} fills or more")
    told = differing(fast, run_backtest(job, history, {"it": cls}))
    assert not told, "\n".join(told)
