"""The runner against a slow, obvious backtester that shares nothing with it: every fill, and what is left."""

from fractions import Fraction

import pytest

from tests.oracles.backtester import run
from tests.unit.backtest.oracle_twin import difference, played
from tests.unit.backtest.random_histories import case

#: More of them: ``python -m tests.oracles.backtester_run --runs 1000``.
SEEDS = range(48)


@pytest.mark.parametrize("first", range(0, len(SEEDS), 8))
def test_the_oracle_and_the_runner_agree_to_the_last_digit(first: int) -> None:
    kinds: set[str] = set()
    for seed in SEEDS[first : first + 8]:
        made = case(seed)
        theirs = run(made)
        assert difference(played(made)[0], theirs) == "", f"seed {seed}"
        kinds |= {row["kind"] for row in theirs.fills}
        kinds |= {"maker" for row in theirs.fills if row["maker"]}
    assert {"Trade", "maker"} <= kinds


def test_they_agree_on_spot_where_fees_are_paid_in_coins() -> None:
    coins: set[str] = set()
    for seed in range(12):
        made = case(seed, spot=True)
        theirs = run(made)
        assert difference(played(made)[0], theirs) == "", f"seed {seed}"
        coins |= {row["coin"] for row in theirs.fills}
    assert {"USDT", "AAA", "BBB"} <= coins


def test_the_cases_hold_what_they_are_for() -> None:
    """Liquidation, funding, partial fills, triggers, brackets, refusals and latency happen, and most is compared."""
    made = [case(seed) for seed in SEEDS]
    done = [run(it) for it in made]
    kinds = {row["kind"] for it in done for row in it.fills}
    assert {"Trade", "Funding", "BustTrade"} <= kinds
    asked = [it[2] for one in made for actions in one.script.values() for it in actions if it[0] == "order"]
    assert any("trigger" in it for it in asked)
    assert any("tp" in it for it in asked)
    assert any(it.refused for it in done)
    assert any(it.latency.orders for it in made)
    assert any(it.costs.share for it in made)
    assert sum(bool(it.until) for it in done) < len(done) / 5


def test_the_comparison_sees_a_digit() -> None:
    made = next(it for it in map(case, SEEDS) if len(run(it).fills) > 5)
    ours, theirs = played(made)[0], run(made)
    theirs.fills[3]["fee"] += Fraction(1, 10**8)
    assert difference(ours, theirs).startswith("fill 3:")
