"""A market maker in hedge mode on the real daemon: it comes to hold both legs at once, and disabled with ``flatten`` it
leaves the venue flat, with books, database and journal that say so too."""

from decimal import Decimal
from pathlib import Path

from tests.sandbox.agreement import wait_for_store
from tests.sandbox.daemon_process import DaemonProcess
from tests.sandbox.stepped_run import quiet_api
from tests.sandbox.test_hedge_and_inverse import stored
from tradectl.daemon.replaying import replay_run
from tradectl.model.money import use_exact_context
from tradectl.rpc.client import call

SETTINGS = """
[trading]
mode = "sandbox"
[exchange]
position_mode = "hedge"
[risk]
day_loss_share = 10
drawdown_share = 10
[[strategies]]
name = "maker"
class = "market_maker"
params = { half_spread = 0.1, skew = 0, tolerance = 0.5, size = 0.05 }
"""


def legs(daemon: DaemonProcess) -> dict[int, Decimal]:
    """What the venue holds on each side."""
    rows = daemon.venue().get("/v5/position/list", category="linear", symbol="BTCUSDT")["list"]
    return {row["positionIdx"]: Decimal(row["size"] or 0) for row in rows}


def executions_of(daemon: DaemonProcess) -> list[str]:
    """Every fill at the venue; there are few."""
    rows = daemon.venue().get("/v5/execution/list", category="linear", limit=100)["list"]
    return [row["execId"] for row in rows]


def sizes(daemon: DaemonProcess) -> list[Decimal]:
    """Every book and leg the database has."""
    return [Decimal(row["size"]) for books in (True, False) for row in stored(daemon, "BTCUSDT", books)]


def test_a_maker_that_holds_both_legs_is_flattened(tmp_path: Path) -> None:
    use_exact_context()
    quiet_api(tmp_path)
    daemon = DaemonProcess(tmp_path, SETTINGS)
    try:
        ready = daemon.start()
        assert ready["ok"], ready
        daemon.wait_for(lambda: all(legs(daemon).get(idx) for idx in (1, 2)), 90, "both legs")
        done = call(daemon.paths.daemon_socket, "strategies.disable", {"name": "maker", "flatten": True})
        assert "closing maker linear:BTCUSDT" in done["text"]
        daemon.wait_for(lambda: not any(legs(daemon).values()), 20, "a flat account")
        orders = daemon.venue().get("/v5/order/realtime", category="linear", symbol="BTCUSDT")["list"]
        assert orders == []
        wait_for_store(daemon, len(executions_of(daemon)))
        daemon.wait_for(lambda: not any(sizes(daemon)), 20, "books without a position")
        assert {str(row["position_idx"]) for row in stored(daemon, "BTCUSDT", books=False)} == {"1", "2"}
        assert daemon.stop() == 0, daemon.output()[-2000:]
        report = replay_run(daemon.paths.state, "", tmp_path / "config" / "strategies").report
        assert report.identical, report.differences
    finally:
        daemon.end_everything()
