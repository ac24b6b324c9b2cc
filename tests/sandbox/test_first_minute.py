"""What a newcomer sees in the first minute: start, trades, every list, stop, and the same account again."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


class Cli:
    """``python -m tradectl`` on a state directory of its own."""

    def __init__(self, directory: Path) -> None:
        config = directory / "config"
        config.mkdir()
        (config / "api.toml").write_text("[api]\nport = 0\n")
        self.env = {
            **os.environ, "TRADECTL_STATE": str(directory / "state"), "TRADECTL_CONFIG": str(config), "NO_COLOR": "1",
        }  # fmt: skip
        self.state = directory / "state"

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tradectl", *words],
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def json(self, *words: str) -> Any:
        done = self(*words, "--json")
        assert done.returncode == 0, f"{words}: {done.stderr}"
        return json.loads(done.stdout)


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[Cli]:
    made = Cli(tmp_path)
    yield made
    made("stop")


def test_a_newcomer_sees_a_daemon_trade_stop_and_go_on(cli: Cli) -> None:
    assert cli("status").returncode == 3
    assert cli("orders").returncode == 69
    started = cli("start")
    assert started.returncode == 0, started.stderr
    assert cli("status").returncode == 0
    trades = wait_for_trades(cli)
    assert {t["strategy"] for t in trades} == {"ema_cross"}
    for words in (("status",), ("orders",), ("positions",), ("portfolio",), ("trades",), ("strategies",),
                  ("instruments",), ("market", "ticker", "BTCUSDT"), ("market", "candles", "BTCUSDT"),
                  ("market", "book", "BTCUSDT"), ("market", "funding", "BTCUSDT")):  # fmt: skip
        shown = cli(*words)
        assert shown.returncode == 0, f"{words}: {shown.stderr}"
        assert shown.stdout.strip()
        assert isinstance(cli.json(*words), dict | list)
    run = cli.json("status")["run"]
    before = {t["id"] for t in trades}
    second = cli("start")
    assert second.returncode == 1
    assert "already runs" in second.stderr
    assert cli("stop").returncode == 0
    assert cli("status").returncode == 3
    assert cli("replay").returncode == 0
    again = cli("start")
    assert again.returncode == 0, again.stderr
    assert cli.json("status")["run"] == run
    assert before <= {t["id"] for t in cli.json("trades")["trades"]}


def wait_for_trades(cli: Cli) -> list[dict[str, Any]]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found: list[dict[str, Any]] = cli.json("trades")["trades"]
        if found:
            return found
        time.sleep(0.5)
    raise AssertionError("no trade within a minute")


def test_a_person_trades_and_is_refused_in_words(cli: Cli) -> None:
    assert cli("start").returncode == 0
    placed = cli("orders", "place", "buy", "ETHUSDT", "0.1")
    assert placed.returncode in (0, 2), placed.stderr
    low = limit_price(cli)
    done = cli("orders", "place", "buy", "BTCUSDT", "0.001", "--limit", low, "--json")
    assert done.returncode == 0, done.stderr
    order = json.loads(done.stdout)["order"]
    assert order["status"] == "New"
    assert cli("orders", "amend", order["id"], "--qty", "0.002").returncode == 0
    assert cli("orders", "cancel", order["id"]).returncode == 0
    bad = {
        ("NOPE", "0.001"): 2, ("BTCUSDT", "0.00001"): 2, ("BTCUSDT", "0.0015"): 2, ("BTCUSDT", "-1"): 2,
        ("BTCUSDT", "nan"): 2, ("BTCUSDT", ""): 2, ("BTCUSDT", "1e5"): 2, ("BTCUSDT", "5"): 10,
        ("BTCUSDT", "99999999999999999999"): 2,
    }  # fmt: skip
    for (symbol, size), code in bad.items():
        refused = cli("orders", "place", "buy", symbol, "--", size)
        assert refused.returncode == code, f"{symbol} {size}: {refused.returncode} {refused.stderr}"
        assert refused.stderr.strip()
    off_tick = cli("orders", "place", "buy", "BTCUSDT", "0.001", "--limit", f"{low}.123")
    assert off_tick.returncode == 2
    assert "tick" in off_tick.stderr
    far = cli("orders", "place", "buy", "BTCUSDT", "0.001", "--limit", str(int(low) * 2))
    assert far.returncode == 10
    assert "band" in far.stderr
    halted = cli("halt", "--reason", "test")
    assert halted.returncode == 0
    refused = cli("orders", "place", "buy", "BTCUSDT", "0.001")
    assert refused.returncode == 12
    assert "halted by" in refused.stderr
    assert cli("stop").returncode == 0
    assert cli("start").returncode == 12, "a restart forgot the halt"
    assert cli("resume").returncode == 0
    assert cli.json("status")["state"] == "RUNNING"


def limit_price(cli: Cli) -> str:
    """A price a little below the market, in whole dollars."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        done = cli("market", "ticker", "BTCUSDT", "--json")
        if done.returncode == 0:
            return str(int(float(json.loads(done.stdout)["ticker"]["last"]) * 0.99))
        time.sleep(0.2)
    raise AssertionError("no ticker of BTCUSDT within 30 s")
