"""Brackets, OCO and trailing stops on a venue whose clock runs on its own, much faster than ours.

``python -m tests.faults.live_run [--speed 120] [--seconds 60] [--seed 1] [--kills 0]`` is the full-size bar; the suite
runs a reduced one. The venue is watched all the time: no position stays without its stops, and at the end, when
everything is closed, database, venue and checker agree.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.faults.casts import CASTS
from tests.faults.still_venue import refused_orders, venue_orders, venue_position
from tests.faults.unprotected import longest_gaps
from tests.sandbox.agreement import assert_agreement
from tests.sandbox.daemon_process import DaemonProcess
from tests.sandbox.stepped_run import quiet_api
from tradectl.daemon.replaying import replay_run
from tradectl.model.money import use_exact_context
from tradectl.rpc.client import call

#: What the way of an order to the venue and back may take of our time (seconds): a stop that is placed after the fill
#: is there that much later, which the venue's clock counts ``speed`` times.
WAY = 1.0


def one_run(directory: Path, speed: float, seconds: float, seed: int, kills: int = 0, kind: str = "stops") -> Any:
    """Trade, close everything, compare; returns the figures."""
    use_exact_context()
    quiet_api(directory)
    cast, dice = CASTS[kind], random.Random(seed)
    daemon = DaemonProcess(directory, cast.live_settings(speed, seed))
    cast.install(daemon.config)
    try:
        assert daemon.start()["ok"], daemon.ready
        begin = _venue_ms(daemon)
        for part in range(kills + 1):
            time.sleep(seconds / (kills + 1) * dice.uniform(0.8, 1.2))
            if part < kills:
                daemon.kill()
                assert daemon.start()["ok"], daemon.ready
        close(daemon)
        figures = judge(daemon, begin, speed, kills)
        assert daemon.stop() == 0, daemon.output()[-2000:]
        report = replay_run(daemon.paths.state, "", daemon.config / "strategies").report
        assert report.identical, report.differences
        return figures
    finally:
        daemon.end_everything()


def close(daemon: DaemonProcess) -> None:
    """End all positions, and with them their stops."""
    call(daemon.paths.daemon_socket, "halt", {"flatten": True, "reason": "the end"})
    daemon.wait_for(lambda: not venue_position(daemon.venue()), 30, "everything is closed")
    daemon.wait_for(lambda: not venue_orders(daemon.venue()), 30, "and no order is left")


def judge(daemon: DaemonProcess, begin: int, speed: float, kills: int) -> dict[str, Any]:
    venue = daemon.venue()
    state, end = venue.state(), _venue_ms(daemon) + 60_000
    twice = {link: n for link, n in state["create_counts"].items() if n != 1}
    assert not twice, f"sent twice: {twice}"
    refused = refused_orders(daemon.venue())
    assert not refused, f"the venue's limits were broken: {refused}"
    figures = assert_agreement(daemon, begin - 60_000, end)
    gaps = longest_gaps(venue, begin - 60_000, end)
    figures |= {"stops_fired": gaps.fired, "longest_without_stop_s": gaps.longest / 1000 / speed}
    assert kills or gaps.longest <= WAY * speed * 1000, f"a position was without a stop: {gaps}"
    assert gaps.fired > 0, "no stop ever fired"
    return figures


def _venue_ms(daemon: DaemonProcess) -> int:
    return int(daemon.venue().state()["venue_time"]) // 1_000_000


def main() -> int:
    """The full-size bar, by hand."""
    parser = argparse.ArgumentParser(description="Stops on a fast venue.")
    parser.add_argument("--speed", type=float, default=120.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--strategy", choices=tuple(CASTS), default="stops")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        found = one_run(Path(scratch), options.speed, options.seconds, options.seed, options.kills, options.strategy)
    print(json.dumps(found, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
