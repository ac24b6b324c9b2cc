"""The runner against a slow, obvious backtester that shares nothing with it: every fill, and what is left."""

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
