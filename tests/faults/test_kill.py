"""SIGKILL at seeded points: nothing is sent twice, nothing is lost, and the books agree at the end.

The full-size bar is ``python -m tests.faults.kill_run --points 20``, and the same with each ``--victim``.
"""

from pathlib import Path

import pytest

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
