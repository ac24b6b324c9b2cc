"""A journal replayed gives the same commands to the byte: from the start, from any checkpoint, in any interpreter."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.engine.harness import Bench, encoded
from tests.unit.engine.recorded import CLASSES, record
from tradectl.engine.strategy import Strategy
from tradectl.engine.trading_engine import TradingEngine
from tradectl.model.commands import DecisionMade, ExecutionBooked, SetTimer, StateChanged

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module", params=[1, 2, 3])
def run(request: pytest.FixtureRequest) -> Bench:
    return record(request.param)


def test_the_recorded_runs_contain_something(run: Bench) -> None:
    assert len(run.said(ExecutionBooked)) >= 5
    assert len(run.said(DecisionMade)) >= 10
    assert len(run.said(SetTimer)) >= 10
    assert len(run.said(StateChanged)) >= 3


def test_checkpoint_and_tail_equal_the_whole_at_every_cut(run: Bench) -> None:
    whole = TradingEngine(run.config, CLASSES)
    for cut in range(len(run.events)):
        engine = TradingEngine(run.config, CLASSES)
        engine.restore(whole.checkpoint())
        assert engine.checkpoint() == whole.checkpoint(), f"a restored engine is another one at {cut}"
        window = range(cut, min(cut + 12, len(run.events)))  # what differs shows soon; the whole tail every 25th time
        for number in window if cut % 25 else range(cut, len(run.events)):
            assert encoded(engine.apply(run.events[number])) == encoded(run.answers[number]), f"{cut} -> {number}"
        assert encoded(whole.apply(run.events[cut])) == encoded(run.answers[cut])
    assert whole.checkpoint() == run.engine.checkpoint()


def test_two_interpreters_agree() -> None:
    def other(seed: str) -> str:
        env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "tests.unit.engine.recorded"]
        return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True).stdout.strip()

    assert other("1") == other("2") == other("4711")


def test_a_checkpoint_of_another_schema_is_refused() -> None:
    bench = Bench()
    data = bench.engine.checkpoint()
    assert data.count(b"\xa6schema\x01") == 1
    with pytest.raises(ValueError, match="schema 99"):
        bench.engine.restore(data.replace(b"\xa6schema\x01", b"\xa6schema\x63"))


def test_instance_numbers_stay_when_instances_are_added() -> None:
    from tests.unit.engine.harness import config
    from tradectl.engine.config import StrategyConfig

    first = TradingEngine(config(StrategyConfig(name="a", class_="s")), {"s": Strategy})
    data = first.checkpoint()
    later = TradingEngine(
        config(StrategyConfig(name="b", class_="s"), StrategyConfig(name="a", class_="s")), {"s": Strategy}
    )
    later.restore(data)
    assert later.world.numbers == {"operator": 0, "a": 1, "b": 2}
