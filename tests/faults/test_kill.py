"""SIGKILL at seeded points: nothing is sent twice, nothing is lost, no position loses its stop, and the books agree.

The full-size bar is ``python -m tests.faults.kill_run --points 20``, and the same with each ``--victim``, each
``--strategy`` and ``--hostile``; in real time ``python -m tests.faults.live_run``.
"""

from pathlib import Path

import pytest

from tests.faults import live_run
from tests.faults.kill_run import one_run
from tests.sandbox.stepped_run import generated_candles


def test_the_daemon_is_killed_around_records_and_orders(tmp_path: Path) -> None:
    data = generated_candles(tmp_path / "candles.csv.gz", 500)
    figures = one_run(tmp_path, data, "daemon", 4, seed=3)
    assert len(figures["killed"]) == 4


@pytest.mark.parametrize("victim", ["store", "api", "sandbox"])
def test_another_process_is_killed(tmp_path: Path, victim: str) -> None:
    data = generated_candles(tmp_path / "candles.csv.gz", 800)
    figures = one_run(tmp_path, data, victim, 1, seed=5)
    assert figures["killed"]


@pytest.mark.parametrize(("kind", "victim", "hostile"), [("stops", "daemon", True), ("stops", "sandbox", False)])
def test_stops_outlive_every_kill(tmp_path: Path, kind: str, victim: str, hostile: bool) -> None:
    data = generated_candles(tmp_path / "candles.csv.gz", 150)
    figures = one_run(tmp_path, data, victim, 2 if victim == "daemon" else 1, 3, kind, hostile)
    assert figures["killed"]
    assert figures["stops_fired"] > 10


def test_algorithms_go_on_after_every_kill(tmp_path: Path) -> None:
    data = generated_candles(tmp_path / "candles.csv.gz", 50)
    figures = one_run(tmp_path, data, "daemon", 3, 3, "workers")
    assert len(figures["killed"]) == 3
    assert figures["complete"] > 5


def test_stops_on_a_venue_that_does_not_wait(tmp_path: Path) -> None:
    figures = live_run.one_run(tmp_path, speed=120, seconds=8, seed=2)
    assert figures["executions"] > 10
