"""A user's own class from a folder: made, checked, run, changed while it runs, and broken without harm to others."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
COUNTER = """
from tradectl.engine.strategy import Strategy, param


class Counter(Strategy):
    symbol: str = param("ETHUSDT")

    def on_start(self):
        self.subscribe_bars(self.symbol, "1m")
        self.bars_seen = 0

    def on_bar(self, bar):
        self.bars_seen += 1
        if self.bars_seen == 2 and not self.position(self.symbol):
            self.buy(self.symbol, "0.1", reason="REASON")
"""


def test_a_users_strategy_runs_is_reloaded_and_fails_alone(tmp_path: Path) -> None:
    config = tmp_path / "config"
    folder = config / "strategies"
    folder.mkdir(parents=True)
    (config / "api.toml").write_text("[api]\nport = 0\n")
    (config / "trading.toml").write_text(
        '[[strategies]]\nname = "mine"\nclass = "counter"\n[[strategies]]\nname = "ema"\nclass = "ema_cross"\n'
    )
    file = folder / "counter.py"
    file.write_text(COUNTER.replace("REASON", "first"))
    env = {**os.environ, "TRADECTL_STATE": str(tmp_path / "state"), "TRADECTL_CONFIG": str(config)}

    def cli(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tradectl", *words]
        return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)

    def strategies() -> dict[str, Any]:
        return {s["name"]: s for s in json.loads(cli("strategies", "--json").stdout)["strategies"]}

    def until(what: str, condition: Any) -> None:
        deadline = time.monotonic() + 60
        while not condition(found := strategies()):
            assert time.monotonic() < deadline, f"never {what}: {found}"
            time.sleep(0.2)

    try:
        assert cli("strategies", "check", "mine").returncode == 0
        started = cli("start")
        assert started.returncode == 0, started.stderr
        until("traded", lambda found: found["mine"]["trades"] == 1)
        assert cli("strategies", "reload").stdout.strip().endswith("nothing changed")
        file.write_text(COUNTER.replace("REASON", "second"))
        reloaded = cli("strategies", "reload")
        assert reloaded.returncode == 0, reloaded.stderr
        assert "mine" in reloaded.stdout
        until("active again with its position", lambda found: found["mine"]["open_positions"] == 1
              and found["mine"]["status"] == "active")  # fmt: skip
        file.write_text("def broken(:\n")
        refused = cli("strategies", "reload")
        assert refused.returncode == 78
        assert "line 1" in refused.stderr
        assert strategies()["mine"]["status"] == "active", "a broken file touched the running code"
        file.write_text(COUNTER.replace("self.bars_seen += 1", "self.bars_seen += None"))
        assert cli("strategies", "reload").returncode == 0
        until(
            "stopped alone", lambda found: found["mine"]["status"] == "stopped" and found["ema"]["status"] == "active"
        )
        assert "TypeError" in strategies()["mine"]["reason"]
        status = json.loads(cli("status", "--json").stdout)
        assert status["state"] == "RUNNING"
    finally:
        cli("stop")
    replayed = json.loads(cli("replay", "--json").stdout)
    assert replayed["changed"] == ["the strategies' code"], "a replay must say that the code is no longer the same"


def test_a_new_strategy_file_is_valid_as_it_comes(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()
    env = {**os.environ, "TRADECTL_STATE": str(tmp_path / "state"), "TRADECTL_CONFIG": str(config)}
    made = subprocess.run(
        [sys.executable, "-m", "tradectl", "strategies", "new", "my_idea"], cwd=ROOT, env=env, capture_output=True,
        text=True, timeout=60,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    (file,) = config.rglob("my_idea.py")
    checked = subprocess.run(
        [sys.executable, "-m", "tradectl", "strategies", "check", str(file)], cwd=ROOT, env=env, capture_output=True,
        text=True, timeout=60,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr
