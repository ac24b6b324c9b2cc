"""What holds of every run, whatever the strategy did: on the oracle's random cases, without the oracle."""

import os
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest

from tests.oracles.backtester import Case, Latency
from tests.unit.backtest.oracle_twin import id_of, played
from tests.unit.backtest.random_histories import case
from tradectl.backtest.job import BacktestResult
from tradectl.backtest.runner import Backtest
from tradectl.simulation.venue import UID

SEEDS = range(100, 130)
#: Prints what a run came to, for processes that hash differently.
PRINTED = """
import hashlib
from tests.unit.backtest.oracle_twin import played
from tests.unit.backtest.random_histories import case
print([hashlib.sha256(repr(played(case(seed))[2].executions).encode()).hexdigest() for seed in (101, 110, 125)])
"""


def runs() -> list[tuple[Case, Backtest, BacktestResult]]:
    made = [case(seed) for seed in SEEDS] + [case(seed, spot=True) for seed in SEEDS[:8]]
    return [(it, *played(it)[1:]) for it in made]


@pytest.fixture(scope="module")
def done() -> list[tuple[Case, Backtest, BacktestResult]]:
    return runs()


def test_the_engine_ends_with_the_cash_and_positions_of_the_venue(
    done: list[tuple[Case, Backtest, BacktestResult]],
) -> None:
    for made, run, result in done:
        state, exchange = run.engine.world.portfolio.state, run.venue.exchange
        wallets = {it.coin: it.balance for it in exchange.wallets(UID) if it.balance}
        assert {coin: amount for coin, amount in state.cash.items() if amount} == wallets
        for spec in made.specs:
            if not spec.spot:
                assert run.engine.world.portfolio.net_size(id_of(spec)) == exchange.position(UID, id_of(spec)).size
        assert result.final_equity == run.engine.world.valuation.account().equity


def test_no_money_comes_from_nowhere(done: list[tuple[Case, Backtest, BacktestResult]]) -> None:
    for made, run, _ in done:
        exchange = run.venue.exchange
        totals = {"USDT": -Decimal(int(made.cash))}
        for it in exchange.wallets(UID):
            totals[it.coin] = totals.get(it.coin, Decimal(0)) + it.balance
        for account in (exchange.market_cash(), exchange.fees_collected()):
            for coin, amount in account.items():
                totals[coin] = totals.get(coin, Decimal(0)) + amount
        assert not any(totals.values()), totals


def test_a_run_is_the_same_again_whatever_the_parts_its_history_comes_in(monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in SEEDS[:6]:
        first = played(case(seed))[2]
        monkeypatch.setattr("tradectl.history.reading.CHUNK", 7)
        again = played(case(seed))[2]
        monkeypatch.undo()
        assert (first.executions, first.samples, first.orders) == (again.executions, again.samples, again.orders)


def test_a_run_does_not_hang_on_how_python_hashes() -> None:
    seen = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", PRINTED], env=environment, capture_output=True, text=True, check=True
        )
        seen.add(done.stdout)
    assert len(seen) == 1


def alone(made: Case, symbol: str) -> Case:
    """The part of a case that concerns one instrument."""
    return replace(
        made,
        specs=[it for it in made.specs if it.symbol == symbol],
        bars={symbol: made.bars[symbol]},
        script={key: it for key, it in made.script.items() if key[0] == symbol},
        reactions={key: it for key, it in made.reactions.items() if key[0] == symbol},
        funding={key: it for key, it in made.funding.items() if key == symbol},
    )


def test_instruments_together_trade_as_each_alone_where_the_account_is_large_enough() -> None:
    compared = 0
    for seed in SEEDS:
        made = case(seed)
        if len(made.specs) == 1 or any(it[0] == "target" for actions in made.script.values() for it in actions):
            continue
        reactions = [it for actions in made.reactions.values() for it in actions]
        if any(it[0] == "target" for it in reactions):
            continue
        made = replace(made, cash=Fraction(10**12), latency=Latency())  # nobody is ever short of margin
        together = played(made)[0].fills
        for spec in made.specs:
            mine = [row for row in together if row["symbol"] == spec.symbol]
            assert played(alone(made, spec.symbol))[0].fills == mine, seed
            compared += len(mine)
    assert compared > 1000
