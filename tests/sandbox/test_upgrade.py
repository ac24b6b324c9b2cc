"""A state the first release left behind, under today's daemon: it trades on, with the run, account and books it had."""

import json
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from tests.sandbox.daemon_process import ROOT, DaemonProcess
from tradectl.daemon.replaying import replay_run
from tradectl.model.money import use_exact_context

RECORDED = ROOT / "tests" / "unit" / "fixtures" / "first_release"


def unpacked(name: str, directory: Path) -> DaemonProcess:
    with tarfile.open(RECORDED / f"{name}.tar.xz") as archive:
        archive.extractall(directory, filter="data")
    settings = (directory / "config" / "trading.toml").read_text()
    # above the drawdown's limit, which is refused since: a person corrects it before the upgrade
    return DaemonProcess(directory, settings.replace("day_loss_share = 1\n", ""))


@pytest.mark.parametrize("name", ["stopped", "killed"])
def test_the_state_of_the_first_release_comes_up_and_trades_on(name: str, tmp_path: Path) -> None:
    daemon = unpacked(name, tmp_path)
    state = Path(daemon.paths.state)
    before = json.loads((state / "binding.json").read_text())
    with closing(sqlite3.connect(daemon.paths.database)) as connection:
        fills = {row[0] for row in connection.execute("SELECT exec_id FROM executions")}
        (resting,) = [row[0] for row in connection.execute("SELECT link_id FROM orders WHERE status = 'New'")]
    with closing(sqlite3.connect(Path(daemon.paths.sandbox) / "venue.sqlite")) as connection:
        known = connection.execute("SELECT count(*) FROM executions").fetchone()[0]
    assert known == len(fills), "the fixture's database has everything its venue has"
    try:
        ready = daemon.start()
        assert ready["ok"], ready
        venue = daemon.venue()
        held = venue.get("/v5/position/list", category="linear", symbol="ETHUSDT")["list"]
        assert [position["size"] for position in held] == ["0.5"]
        found = venue.get("/v5/order/realtime", category="linear", symbol="ETHUSDT", orderLinkId=resting)["list"]
        assert [order["orderStatus"] for order in found] == ["New"]
        daemon.wait_for(
            lambda: {r["exec_id"] for r in daemon.database("select exec_id from executions")} > fills, 60, "new trades"
        )
        after = json.loads((state / "binding.json").read_text())
        assert (after["run"], after["uid"]) == (before["run"], before["uid"])
        assert after["instance"] == venue.state()["instance"]
        assert set(venue.state()["create_counts"].values()) <= {1}, "an order was sent twice"
        assert "the books" not in (Path(daemon.paths.logs) / "error.log").read_text()
    finally:
        daemon.stop()
        daemon.end_everything()
    use_exact_context()
    done = replay_run(daemon.paths.state, "", tmp_path / "config" / "strategies")
    assert len(done.older) == 1
    assert done.older[0].startswith("records 1 to ")
    assert "the end" not in done.older[0], "what was recorded after the upgrade is of today's code"


def test_a_sandbox_of_older_code_is_started_anew_with_its_state_and_one_of_this_code_is_kept(tmp_path: Path) -> None:
    daemon = unpacked("stopped", tmp_path)
    path = Path(daemon.paths.sandbox) / "endpoint.json"
    try:
        assert daemon.start()["ok"]
        first = json.loads(path.read_text())
        daemon.kill()
        assert daemon.start()["ok"]
        assert json.loads(path.read_text()) == first
        held = daemon.venue().get("/v5/position/list", category="linear", symbol="ETHUSDT")["list"]
        daemon.kill()
        path.write_text(json.dumps({key: value for key, value in first.items() if key != "code"}))  # as the release did
        assert daemon.start()["ok"]
        second = json.loads(path.read_text())
        assert second["pid"] != first["pid"]
        assert f"sandbox {first['pid']} is of another version" in daemon.output()
        assert second["instance"] == first["instance"]
        now = daemon.venue().get("/v5/position/list", category="linear", symbol="ETHUSDT")["list"]
        assert [position["size"] for position in now] == [position["size"] for position in held]
    finally:
        daemon.stop()
        daemon.end_everything()
