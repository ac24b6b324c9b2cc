"""``ema_cross`` does what its two sentences say: against a slow restatement over generated candles."""

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.engine.harness import BTC, WIDE, config
from tests.unit.engine.live import Live
from tradectl.engine.config import StrategyConfig
from tradectl.model.commands import DecisionMade
from tradectl.model.errors import Problem
from tradectl.model.money import use_exact_context
from tradectl.model.orders import Side
from tradectl.strategies.ema_cross import EmaCross

FAST, SLOW = 2, 5
closes = st.lists(st.integers(500, 1500).map(lambda n: n / 10), min_size=1, max_size=60)


def ema(values: list[float], period: int) -> float | None:
    """The average of ``values`` by its definition, from the beginning every time."""
    if len(values) < period:
        return None
    result = sum(values[:period]) / period
    for value in values[period:]:
        result += 2.0 / (period + 1) * (value - result)
    return result


def wishes(history: list[float], live: list[float]) -> list[str]:
    """What the rule asks for on each live bar."""
    asked = []
    for number in range(len(live)):
        before = history + live[:number]
        now = [*before, live[number]]
        fast, slow, was_fast, was_slow = ema(now, FAST), ema(now, SLOW), ema(before, FAST), ema(before, SLOW)
        if fast is None or slow is None or was_fast is None or was_slow is None:
            continue
        if was_fast <= was_slow and fast > slow:
            asked.append("target")
        elif was_fast >= was_slow and fast < slow:
            asked.append("close")
    return asked


def start(history: list[float]) -> Live:
    use_exact_context()
    cross = StrategyConfig(name="cross", class_="ema_cross", params={"fast": FAST, "slow": SLOW})
    return Live(config(cross, risk=WIDE), {"ema_cross": EmaCross}, past=dict(enumerate(history)))


@given(closes, closes)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_it_asks_for_what_the_rule_says(history: list[float], live_closes: list[float]) -> None:
    live = start(history)
    for number, close in enumerate(live_closes):
        live.bar(len(history) + number, close)
        expected = wishes(history, live_closes[: number + 1])
        position = live.position("cross")
        assert position >= 0
        if expected:
            assert (position > 0) == (expected[-1] == "target")
    decisions = [d.action for d in live.bench.said(DecisionMade) if d.reason.startswith("fast EMA")]
    assert decisions == wishes(history, live_closes)
    assert all(d.accepted for d in live.bench.said(DecisionMade))


def test_the_generated_candles_cross() -> None:
    rising, falling = [100.0 + n for n in range(8)], [108.0 - 2 * n for n in range(8)]
    assert wishes([100.0] * 6, rising + falling) == ["target", "close"]


def test_it_is_long_with_all_its_capital_and_then_flat() -> None:
    live = start([100.0] * 6)
    live.bar(6, 101.0)
    first = live.bench.creates()[0]
    assert (first.instrument, first.side, first.reduce_only) == (BTC, Side.BUY, False)
    worth = live.position("cross") * Decimal("101.505")
    assert Decimal(9_900) < worth <= Decimal(100_101) / 10
    live.bar(7, 50.0)
    assert live.position("cross") == 0
    assert live.bench.creates()[-1].reduce_only


@pytest.mark.parametrize(
    ("params", "name"),
    [({"fast": 1}, "fast"), ({"slow": 201}, "slow"), ({"fast": "10"}, "fast"), ({"fsat": 3}, "fsat")],
)
def test_bad_parameters_are_refused_by_name(params: dict[str, object], name: str) -> None:
    cross = StrategyConfig(name="cross", class_="ema_cross", params=params)  # type: ignore[arg-type]
    with pytest.raises(Problem) as caught:
        Live(config(cross), {"ema_cross": EmaCross})
    assert caught.value.field == f"strategies.cross.{name}"
