"""People, restarts and kills around open positions: whatever is asked of a real daemon, the stops stay at the venue.

Stops come attached, from ``protect``, ``oco`` and ``trail``; the venue is asked directly, all the time.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.casts import PATIENT
from tests.faults.still_venue import is_stop_loss, problems, venue_orders, venue_position
from tests.faults.watcher import StopWatcher
from tests.sandbox.daemon_process import ROOT, DaemonProcess
from tests.sandbox.stepped_run import quiet_api
from tradectl.model.money import use_exact_context
from tradectl.rpc.client import call

NAMES = PATIENT.guarded
#: Stops stay through each of these; the state they leave behind is lifted again before the next.
REQUESTS = (
    ("halt", "--reason", "test"),
    ("halt", "--reduce"),
    ("halt", "--strategy", "own"),
    ("halt", "--symbol", "BTCUSDT"),
    ("orders", "cancel", "--all"),
    ("orders", "cancel", "--all", "--symbol", "BTCUSDT"),
    ("strategies", "disable", "attached"),
    ("strategies", "disable", "own"),
    ("strategies", "enable", "attached"),
    ("strategies", "enable", "own"),
    ("strategies", "set", "pair", "every=2"),
    ("strategies", "reload"),
    ("reconcile",),
)


class Positions:
    """A daemon with an open, protected position of each strategy."""

    def __init__(self, directory: Path) -> None:
        use_exact_context()
        quiet_api(directory)
        self.daemon = DaemonProcess(directory, PATIENT.live_settings(speed=60))
        PATIENT.install(self.daemon.config)
        self.start()
        self.daemon.wait_for(self.all_open, 60, "a position of each strategy with its stops")

    def start(self) -> None:
        ready = self.daemon.start()
        assert ready["ok"], ready

    def all_open(self) -> bool:
        rows = call(self.daemon.paths.daemon_socket, "positions.list", {"books": True})["positions"]
        return {row["strategy"] for row in rows if float(row["size"])} == set(NAMES) and self.at_rest()

    def at_rest(self) -> bool:
        return not problems(self.daemon, NAMES)

    def cli(self, *words: str) -> subprocess.CompletedProcess[str]:
        paths = self.daemon.paths
        env = {**os.environ, "TRADECTL_STATE": paths.state, "TRADECTL_CONFIG": str(self.daemon.config)}
        command = [sys.executable, "-m", "tradectl", *words]
        return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)

    def ask(self, *words: str) -> None:
        done = self.cli(*words)
        assert done.returncode == 0, f"{words}: {done.stderr}"

    def stops(self) -> list[dict[str, Any]]:
        return [row for row in venue_orders(self.daemon.venue()) if is_stop_loss(row)]


@pytest.fixture
def positions(tmp_path: Path) -> Iterator[Positions]:
    made = Positions(tmp_path)
    yield made
    made.daemon.end_everything()


def test_no_request_restart_or_kill_takes_a_stop_away(positions: Positions) -> None:
    daemon = positions.daemon
    size = venue_position(daemon.venue())
    with StopWatcher(daemon.venue()) as watcher:
        for words in REQUESTS:
            positions.ask(*words)
            positions.ask("resume")
        file = daemon.config / "strategies" / "protected_strategies.py"
        file.write_text(file.read_text() + "\n# changed\n")
        positions.ask("strategies", "reload")
        daemon.wait_for(positions.at_rest, 30, "rest after a reload of changed code")
        daemon.kill()
        positions.start()
        daemon.wait_for(positions.at_rest, 30, "rest after a kill")
    assert watcher.looks > 20
    assert not watcher.bare, watcher.bare[:5]
    assert venue_position(daemon.venue()) == size, "a request moved a position"


def test_stop_and_start_keep_the_stops(positions: Positions) -> None:
    daemon = positions.daemon
    stopped = positions.cli("stop")
    assert stopped.returncode == 0, stopped.stderr
    assert daemon.wait(30) == 0
    positions.start()
    with StopWatcher(daemon.venue()) as watcher:
        daemon.wait_for(positions.at_rest, 30, "rest after a restart")
        assert len(positions.stops()) >= len(NAMES)
        positions.ask("halt")
        daemon.kill()
        again = daemon.start()
        assert again["exit"] == 12, again
        positions.ask("resume")
        daemon.wait_for(positions.at_rest, 30, "rest after a halt that outlived a kill")
    assert not watcher.bare, watcher.bare[:5]


def test_flatten_closes_and_leaves_no_stop_behind(positions: Positions) -> None:
    daemon = positions.daemon
    with StopWatcher(daemon.venue()) as watcher:
        positions.ask("halt", "--flatten", "--yes")
        daemon.wait_for(lambda: not venue_position(daemon.venue()), 30, "everything is closed")
        daemon.wait_for(lambda: not venue_orders(daemon.venue()), 30, "and the stops are gone")
    assert not watcher.bare, watcher.bare[:5]


def test_a_stop_that_a_person_cancels_on_the_site_is_placed_again_once(positions: Positions) -> None:
    daemon, venue = positions.daemon, positions.daemon.venue()
    rows = {row["order_id"]: row for row in call(daemon.paths.daemon_socket, "orders.list")["orders"]}
    for stop in positions.stops():
        owner = rows[stop["orderId"]]["strategy"]
        done = venue.post("/v5/order/cancel", category="linear", symbol="BTCUSDT", orderId=stop["orderId"])
        assert done["retCode"] == 0, done
        daemon.wait_for(positions.at_rest, 30, f"the stop of {owner} is back")
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        assert len(positions.stops()) == len(NAMES), "placed twice"
        time.sleep(0.1)
    alerts = daemon.database("select text from alerts where code = 'stop_missing'")
    told = [row["text"] for row in alerts if "stop_loss" in row["text"]]
    assert sorted(text.split(" of ")[2].split()[0] for text in told) == sorted(NAMES), told


def test_a_daemon_that_was_down_notices_that_its_stops_were_cancelled(positions: Positions) -> None:
    daemon, venue = positions.daemon, positions.daemon.venue()
    daemon.kill()
    for stop in positions.stops():
        done = venue.post("/v5/order/cancel", category="linear", symbol="BTCUSDT", orderId=stop["orderId"])
        assert done["retCode"] == 0, done
    positions.start()
    daemon.wait_for(positions.at_rest, 30, "the stops are back")
    assert json.loads(positions.cli("status", "--json").stdout)["state"] == "RUNNING"
