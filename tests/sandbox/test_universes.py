"""Universes in the real daemon: chosen by filters, refreshed by a timer; what left takes no entry, keeps its stop."""

import csv
import gzip
import json
import os
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.sandbox.all_strategies import replayed
from tests.sandbox.daemon_process import ROOT, DaemonProcess
from tests.sandbox.stepped_run import quiet_api
from tests.sandbox.whole_market import generated_market, write_candles

BARS = 420
#: From this minute on SOL is traded far more than BTC.
TURN = 150
SETTINGS = """
[trading]
mode = "sandbox"
[sandbox]
stepped = true
data = "{data}"
backfill = 0
[risk]
day_loss_share = 1
drawdown_share = 1
order_share = 0.2
position_share = 0.25
[[universes]]
name = "liquid"
max_members = 2
deny = ["DOGE*"]
refresh_minutes = 30
[[universes]]
name = "old"
min_age_days = 1500
max_spread = 0.01
min_turnover = 1000
refresh_minutes = 60
[[strategies]]
name = "members"
class = "members"
"""


def market(folder: Path) -> Path:
    """Four symbols; SOL's volume grows a hundredfold."""
    generated_market(folder, BARS, seed=5)
    path = folder / "linear_SOLUSDT.csv.gz"
    with gzip.open(path, "rt") as file:
        rows = list(csv.reader(file))[1:]
    write_candles(path, [[*row[:5], f"{float(row[5]) * (100 if n > TURN else 1):.1f}"] for n, row in enumerate(rows)])
    return folder


def said(daemon: DaemonProcess, *words: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "TRADECTL_STATE": daemon.paths.state, "TRADECTL_CONFIG": str(daemon.config), "NO_COLOR": "1"}
    command = [sys.executable, "-m", "tradectl", *words]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)


def told(daemon: DaemonProcess, *words: str) -> Any:
    done = said(daemon, *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def members(daemon: DaemonProcess) -> dict[str, list[str]]:
    return {it["name"]: it["members"] for it in told(daemon, "universe", "show")["universes"]}


def test_a_symbol_that_leaves_takes_no_entry_and_keeps_its_stop_also_over_a_restart(tmp_path: Path) -> None:
    quiet_api(tmp_path)
    daemon = DaemonProcess(tmp_path, SETTINGS.format(data=market(tmp_path / "market")))
    folder = daemon.config / "strategies"
    folder.mkdir()
    shutil.copy(Path(__file__).with_name("members.py"), folder / "members.py")
    try:
        ready = daemon.start()
        assert ready["ok"], ready
        daemon.wait_for(lambda: daemon.venue().state()["ended"], 120, "the end of the data")
        at_end = members(daemon)
        assert at_end == {"liquid": ["SOLUSDT", "ETHUSDT"], "old": ["ETHUSDT", "BTCUSDT"]}
        _what_a_person_reads(daemon)
        _no_entry_since_it_left(daemon)
        _the_stop_stands(daemon)
        assert daemon.stop() == 0
        assert daemon.start()["ok"]
        assert members(daemon) == at_end
        _the_stop_stands(daemon)
        assert daemon.stop() == 0
        assert replayed(daemon, folder)["replay"] == "identical"
    finally:
        daemon.end_everything()


def _what_a_person_reads(daemon: DaemonProcess) -> None:
    rows = {it["universe"]: it for it in told(daemon, "universe", "check", "btcusdt")["universes"]}
    assert (rows["liquid"]["member"], rows["liquid"]["reason"]) == (False, "2 symbols have more turnover")
    assert rows["old"]["member"] is True
    assert "1325 days old, below 1500" in said(daemon, "universe", "check", "SOLUSDT").stdout
    assert "denied by DOGE*" in said(daemon, "universe", "check", "DOGEUSDT").stdout
    assert "the exchange does not list it" in said(daemon, "universe", "check", "NOPEUSDT").stdout
    why = said(daemon, "why-not", "BTCUSDT", "--since", "2025-06-01").stdout
    assert "no member of universe liquid: 2 symbols have more turnover" in why
    assert "BTCUSDT is no member of universe liquid" in why, "the refused entries are told with their reason"
    unknown = said(daemon, "universe", "show", "nope")
    assert unknown.returncode == 1
    assert "one of: liquid, old" in unknown.stderr


def _no_entry_since_it_left(daemon: DaemonProcess) -> None:
    changes = daemon.database(
        "select at, content from changes where kind = 'universe' and name = 'liquid' order by seq"
    )
    assert len(changes) >= BARS // 30 - 1, "it is refreshed on a timer"
    left = next(row["at"] for row in changes if "BTCUSDT" in json.loads(row["content"])["removed"])
    decisions = daemon.database("select * from decisions where symbol = 'BTCUSDT' order by id")
    before = [row for row in decisions if row["at"] < left]
    after = [row for row in decisions if row["at"] > left and row["action"] == "target"]
    assert any(row["accepted"] for row in before)
    assert after
    assert not any(row["accepted"] for row in after)
    bought = daemon.database(f"select * from executions where symbol = 'BTCUSDT' and ts > {left}")
    assert not bought


def _the_stop_stands(daemon: DaemonProcess) -> None:
    """The venue holds stops for the whole position of the symbol that left."""
    position = daemon.venue().get("/v5/position/list", category="linear", symbol="BTCUSDT")["list"][0]
    orders = daemon.venue().get("/v5/order/realtime", category="linear", symbol="BTCUSDT", limit=50)["list"]
    stops = [o for o in orders if o["orderStatus"] == "Untriggered" and o["side"] == "Sell"]
    assert Decimal(position["size"]) > 0
    assert sum(Decimal(o["qty"]) for o in stops) == Decimal(position["size"]), (position["size"], stops)
