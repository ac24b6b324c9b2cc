"""What the sandbox can be told to do wrong, and one mixture of it that meets stops and algorithms alike."""

import json
import urllib.request
from typing import Any

from tests.sandbox.daemon_process import DaemonProcess

Faults = list[dict[str, Any]]

HOSTILE: Faults = [
    {"kind": "lose_answer", "place": "trade", "op": "order.create", "after": 5, "times": 2},
    {"kind": "late_answer", "place": "trade", "op": "order.create", "after": 11, "by": 3},
    {"kind": "repeat_answer", "place": "trade", "op": "order.create", "after": 14},
    {"kind": "lose_answer", "place": "trade", "op": "order.amend", "after": 2},
    {"kind": "repeat_answer", "place": "trade", "op": "order.amend", "after": 5},
    {"kind": "lose_answer", "place": "trade", "op": "order.cancel", "after": 2},
    {"kind": "answer", "place": "trade", "op": "order.cancel", "after": 5, "code": 10016, "taken": False},
    {"kind": "answer", "place": "trade", "op": "order.create", "after": 20, "code": 10016, "taken": True},
    {"kind": "cut", "place": "private", "after": 70},
    {"kind": "cut", "place": "trade", "after": 60},
    {"kind": "push", "topic": "order", "action": "drop", "after": 12},
    {"kind": "push", "topic": "execution", "action": "drop", "after": 7},
    {"kind": "push", "topic": "order", "action": "duplicate", "after": 25, "times": 5},
    {"kind": "push", "topic": "execution", "action": "reorder", "after": 18, "times": 2},
]  # fmt: skip


def arm(daemon: DaemonProcess, faults: Faults) -> None:
    """Have the daemon's sandbox do these, each at its count."""
    for fault in faults:
        body = json.dumps({"fault": fault}).encode()
        request = urllib.request.Request(f"{daemon.venue().base}/sandbox/fault", data=body, method="POST")
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 200
