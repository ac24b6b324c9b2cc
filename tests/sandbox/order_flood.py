"""10,000 order intents of 20 strategies through the real daemon against the real sandbox, on its stepped clock.

``python -m tests.sandbox.order_flood [--intents N] [--step MS]`` is the full-size bar; the suite runs a reduced one.
The sandbox counts with Bybit's published limits (VIP 0), and what it admitted in each second of its clock is compared
with them. However rarely the market says something (``--step``), the queue's own times are kept.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.sandbox.daemon_process import DaemonProcess
from tests.sandbox.stepped_run import START, quiet_api
from tradectl.model.commands import CancelOrder, DecisionMade

#: A print of the market this often (milliseconds): the steps in which the venue's clock moves by itself.
STEP = 20
PRICE = 100_000.0
#: Created a second by the published limits, single and batch, less the one kept for what reduces risk.
PERMITTED = 19
LIMITS = """
order_share = 10
position_share = 10
gross_share = 10
day_loss_share = 10
drawdown_share = 10
limit_band_share = 10
margin_share = 0
liquidation_share = 0
funding_share = 0
orders_per_second = 1000
orders_per_minute = 60000
amends_per_second = 1000
amends_per_minute = 60000
open_orders = 500
repeat_orders = 0
duplicate_ms = 0
flood_per_minute = 0
refuse_locked = false
refuse_self_trade = false
"""


def prints(path: Path, seconds: int, step: int = STEP) -> Path:
    """Trades, one every ``step``; each moves the price, so that each step of the clock is told.

    At its end the clock leaps to the whole minute: either ``seconds`` are whole minutes, or all is done before.
    """
    rows = [
        f"{START + n * step},{'buy' if n % 2 else 'sell'},{PRICE + n % 7},1.5,{n}"
        for n in range(seconds * 1000 // step)
    ]
    path.write_text("timestamp,side,price,size,id\n" + "\n".join(rows) + "\n")
    return path


def settings(data: Path, intents: int) -> str:
    """Twenty instances on the replayed symbol."""
    lines = [
        "[trading]",
        'mode = "sandbox"',
        "[sandbox]",
        "stepped = true",
        f'data = "{data}"',
        "backfill = 0",
        "[risk]",
    ]
    lines.append(LIMITS)
    for n in range(20):
        params = f'seed = {n}, intents = {intents // 20}, price = {PRICE}, size = "0.001"'
        lines += ["[[strategies]]", f'name = "flood{n:02}"', 'class = "flooder"', f"params = {{ {params} }}"]
    return "\n".join(lines) + "\n"


def use_of(seconds: list[list[int]], more: list[list[int]], first: int, last: int) -> float:
    """Requests a second admitted from ``first`` to ``last`` in both forms together."""
    count = sum(n for at, n in [*seconds, *more] if first <= at < last)
    return count / (last - first)


def one_flood(
    directory: Path, intents: int, venue_seconds: int, wall_seconds: float, step: int = STEP
) -> dict[str, Any]:
    """Run it; returns the figures and fails when a limit was broken or the permitted rate was not used."""
    quiet_api(directory)
    folder = directory / "config" / "strategies"
    folder.mkdir(parents=True)
    shutil.copy(Path(__file__).with_name("flooder.py"), folder / "flooder.py")
    daemon = DaemonProcess(directory, settings(prints(directory / "trades.csv", venue_seconds, step), intents))
    began = time.monotonic()
    try:
        ready = daemon.start()
        assert ready["ok"], ready
        daemon.wait_for(lambda: daemon.venue().state()["ended"], wall_seconds, "the end of the data")
        return figures(daemon) | {"wall_s": round(time.monotonic() - began, 1)}
    finally:
        daemon.end_everything()


def intents_of(daemon: DaemonProcess) -> int:
    """What the strategies asked for, by the journal: each order and amendment is a decision, each cancel sent one more;
    cancels of what had not left yet are not counted."""
    from tradectl.journal import read_entries

    entries = [e for run in Path(daemon.paths.journal).iterdir() for e in read_entries(run)]
    return sum(isinstance(c, DecisionMade | CancelOrder) for e in entries for c in e.commands)


def figures(daemon: DaemonProcess) -> dict[str, Any]:
    """What the venue counted. Creates waited from the first burst to the last, the first and last seconds aside."""
    told = daemon.venue().allowances()
    counts = daemon.venue().state()["create_counts"]
    admitted = next(iter(told["admitted"].values()))
    single, batch = admitted["order/create:futures"], admitted.get("order/create-batch:futures", [])
    first, last = min(s[0] for s in single) + 2, max(s[0] for s in single) - 2
    rate = use_of(single, batch, first, last)
    return {
        "intents": intents_of(daemon), "refusals": told["refusals"], "orders_created": len(counts),
        "sent_twice": sum(n > 1 for n in counts.values()), "seconds": last - first,
        "creates_per_second": round(rate, 2),
        "use_of_permitted_rate": round(rate / PERMITTED, 4),
        "admitted": {name: sum(n for _, n in rows) for name, rows in admitted.items() if name.startswith("order/")},
    }  # fmt: skip


def judge(found: dict[str, Any]) -> None:
    """The bar."""
    assert found["refusals"] == {"10006": 0, "403": 0}, found
    assert found["sent_twice"] == 0, found
    assert found["use_of_permitted_rate"] >= 0.95, found
    assert found["admitted"].get("order/create-batch:futures", 0) > 0, found


def main() -> int:
    """The full-size bar, by hand."""
    parser = argparse.ArgumentParser(description="A flood of orders through the real daemon, stepped.")
    parser.add_argument("--intents", type=int, default=10_000)
    parser.add_argument("--seconds", type=int, default=180, help="length of the venue's data, whole minutes")
    parser.add_argument("--step", type=int, default=STEP, help="a print of the market every so many milliseconds")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        found = one_flood(Path(scratch), options.intents, options.seconds, 900, options.step)
    print(json.dumps(found, indent=2))
    judge(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
