"""Paper mode end to end: no key, the public streams of a sandbox, fills in process.

The full-size bar, a day of candles, is ``python -m tests.sandbox.paper_run``.
"""

import json
import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.paper_run import one_run
from tests.sandbox.stepped_run import first_bars, generated_candles
from tests.sandbox.test_first_minute import Cli, wait_for_trades
from tests.sandbox.test_process import Process

REAL = Path(os.environ.get("TRADECTL_TEST_DATA", "")) / "candles" / "bybit_linear_BTCUSDT_1m_2025-06.csv.gz"


def judge(figures: dict[str, Any]) -> None:
    """Enough happened, and all of it is explained; that it agrees everywhere was asserted on the way."""
    assert figures["executions"] > 20
    assert figures["exits"] > 5
    assert figures["orders"][2] > 20, "orders of the run that were found again in its backtest"
    assert {Decimal(it) for it in figures["unexplained"].values()} == {Decimal(0)}


def test_a_killed_paper_run_agrees_with_its_account_its_replay_and_is_explained_whole(tmp_path: Path) -> None:
    judge(one_run(tmp_path, generated_candles(tmp_path / "candles.csv.gz", 90), 360, 2, 3, latency=2))


@pytest.mark.skipif(not REAL.is_file(), reason="TRADECTL_TEST_DATA names no folder with the real candles")
def test_a_paper_run_over_real_candles_agrees_too(tmp_path: Path) -> None:
    judge(one_run(tmp_path, first_bars(REAL, tmp_path / "candles.csv.gz", 60), 360, 0, 3))


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[Cli]:
    venue = Process(tmp_path / "venue", "--speed", "60")
    made = Cli(tmp_path)
    settings = (
        f'[exchange]\nrest_base = "http://127.0.0.1:{venue.endpoint["port"]}"\n'
        '[[strategies]]\nname = "ema"\nclass = "ema_cross"\nparams = { fast = 3, slow = 8 }\n'
    )
    (tmp_path / "config" / "trading.toml").write_text(settings)
    yield made
    made("stop")
    venue.end()


def test_a_person_sees_a_paper_account_as_any_other_and_finds_it_again(cli: Cli) -> None:
    started = cli("start", "--mode", "paper")
    assert started.returncode == 0, started.stderr
    assert "paper" in started.stderr
    assert wait_for_trades(cli)
    assert cli.json("status")["mode"] == "paper"
    for words in (("status",), ("orders",), ("positions",), ("portfolio",), ("trades",)):
        assert cli(*words).returncode == 0, words
    stopped = cli("stop", "--flatten", "--yes")
    assert stopped.returncode == 0, stopped.stderr
    assert cli("start", "--mode", "sandbox").returncode == 78, "state made in one mode is refused in another"
    assert cli("start", "--mode", "paper").returncode == 0
    account = json.loads((cli.state / "binding.json").read_text())
    assert account["mode"] == "paper"
    assert account["uid"].startswith("paper-")
    assert cli.json("trades")["trades"], "what was traded before is still there"
    assert cli("reconcile").returncode == 0
    assert cli.json("status")["state"] == "RUNNING"
