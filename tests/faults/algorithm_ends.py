"""Algorithms after a run: what each says it filled is what its orders filled, and none that is over left an order."""

from collections import Counter, defaultdict
from decimal import Decimal
from typing import Any

from tests.sandbox.daemon_process import DaemonProcess

OPEN = ("Queued", "Sent", "Unknown", "Accepted", "New", "Untriggered", "Triggered", "PartiallyFilled")
#: These trade one way: never more than they were asked for, and all of it unless they say why not.
ONE_WAY = ("twap", "vwap", "iceberg", "chase", "scaled")


def judge_algorithms(daemon: DaemonProcess) -> dict[str, Any]:
    """Compare the rows of algorithms with those of their orders and executions; returns how they ended."""
    rows = [dict(row) for row in daemon.database("select * from algorithms order by id")]
    orders = [dict(row) for row in daemon.database("select * from orders where algorithm != 0")]
    fills: defaultdict[str, Decimal] = defaultdict(Decimal)
    for fill in daemon.database("select link_id, qty from executions where type = 'Trade'"):
        fills[fill["link_id"]] += Decimal(fill["qty"])
    for row in rows:
        own = [order for order in orders if order["algorithm"] == row["id"]]
        sums = sum((fills[order["link_id"]] for order in own if order["side"] == row["side"]), Decimal(0))
        assert sums == Decimal(row["filled"]), f"its orders filled {sums}: {row}"
        assert row["kind"] not in ONE_WAY or sums <= Decimal(row["qty"]), f"more than it was asked for: {row}"
        if row["status"] == "working":
            continue
        left = [order for order in own if order["status"] in OPEN and not order["stop_type"]]
        assert not left, f"it is over and has orders: {row} {left}"
        assert row["status"] == "done" or row["reason"], f"it ended without a reason: {row}"
    return {"algorithms": dict(Counter(f"{row['kind']} {row['status']}" for row in rows))} | _ends(rows)


def _ends(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """How many one-way algorithms that are done filled everything, and what the others said."""
    done = [row for row in rows if row["status"] != "working" and row["kind"] in ONE_WAY]
    short = [row for row in done if Decimal(row["filled"]) != Decimal(row["qty"])]
    return {"complete": len(done) - len(short), "short": [f"{r['kind']}: {r['reason']}" for r in short]}
