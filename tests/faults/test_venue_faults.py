"""A venue that loses, delays, repeats and cuts: every order is accounted for, and the books agree at the end."""

from pathlib import Path
from typing import Any

import pytest

from tests.faults.hostile_venue import arm
from tests.sandbox.agreement import assert_agreement
from tests.sandbox.daemon_process import DaemonProcess
from tests.sandbox.stepped_run import MINUTE, generated_candles, quiet_api, run_to_end, settings, span_of
from tradectl.daemon.replaying import replay_run
from tradectl.model.money import use_exact_context

BARS = 500
FAULTS: dict[str, list[dict[str, Any]]] = {
    "cut sockets": [
        {"kind": "cut", "place": "private", "after": 40},
        {"kind": "cut", "place": "trade", "after": 60},
        {"kind": "cut", "place": "public", "after": 500},
        {"kind": "cut", "place": "private", "after": 120},
    ],
    "answers lost and wrong": [
        {"kind": "lose_answer", "place": "trade", "op": "order.create", "after": 5},
        {"kind": "answer", "place": "trade", "op": "order.create", "after": 12, "code": 10016, "taken": True},
        {"kind": "answer", "place": "trade", "op": "order.create", "after": 20, "code": 10016, "taken": False},
        {"kind": "answer", "place": "trade", "op": "order.create", "after": 30, "code": 110007},
    ],
    "pushes dropped, repeated and out of order": [
        {"kind": "push", "topic": "execution", "action": "drop", "after": 3},
        {"kind": "push", "topic": "order", "action": "drop", "after": 9},
        {"kind": "push", "topic": "execution", "action": "duplicate", "after": 6, "times": 5},
        {"kind": "push", "topic": "order", "action": "reorder", "after": 14, "times": 3},
        {"kind": "push", "topic": "execution", "action": "reorder", "after": 20, "times": 3},
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", list(FAULTS))
def test_a_faulty_venue_loses_nothing(tmp_path: Path, name: str) -> None:
    use_exact_context()
    data = generated_candles(tmp_path / "candles.csv.gz", BARS)
    first, last, _ = span_of(data)
    quiet_api(tmp_path)
    daemon = DaemonProcess(tmp_path, settings(data, fast=3, slow=8))
    try:
        ready = daemon.start()
        assert ready["ok"], ready
        arm(daemon, FAULTS[name])
        run_to_end(daemon, BARS, 200)
        state = daemon.venue().state()
        assert state["faults"]["fired"] >= len(FAULTS[name]), state["faults"]
        assert set(state["create_counts"].values()) == {1}, "an orderLinkId was sent twice"
        figures = assert_agreement(daemon, first, last + 2 * MINUTE)
        assert figures["executions"] > 20
        open_ends = daemon.database(
            "select link_id, status from orders where status in ('Queued', 'Sent', 'Unknown', 'Accepted')"
        )
        assert not open_ends, [tuple(row) for row in open_ends]
        assert daemon.stop() == 0, daemon.output()[-2000:]
        assert replay_run(daemon.paths.state, "", None).report.identical
    finally:
        daemon.end_everything()
