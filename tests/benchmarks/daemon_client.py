"""A whole daemon against the measuring venue: settings, start, and the processor time of its main thread."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.sandbox.daemon_process import DaemonProcess

_SETTINGS = """
[trading]
strategies_dir = "{strategies}"
[exchange]
rest_base = "{rest}"
ws_base = "{streams}"
[risk]
order_share = 1
position_share = 10
gross_share = 10
orders_per_second = 1000
orders_per_minute = 60000
open_orders = 500
stale_quote_seconds = 3600
repeat_orders = 0
duplicate_ms = 0
flood_per_minute = 0
refuse_self_trade = false
[queue]
derivative_create = 100000
[[strategies]]
name = "buyer"
class = "strategies:PrintBuyer"
"""
#: One connection is enough: nothing moves but the prints, so silence is no fault.
_QUIET = """
[exchange.stale]
quotes = 0
book = 0
ticker = 0
bars = 0
"""


def cpu_ns(pid: int) -> int:
    """Nanoseconds the main thread of a process has been on a processor."""
    return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[0])


def resident_mb(pid: int) -> float:
    """Resident memory now, in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


CREDENTIALS = {"BYBIT_API_KEY": "benchmark", "BYBIT_API_SECRET": "benchmark"}


def venue_settings(rest: str, streams: str) -> str:
    """``trading.toml`` for the measuring venue: limits out of the way, a strategy that orders when told."""
    return _SETTINGS.format(strategies=Path(__file__).parent, rest=rest, streams=streams) + _QUIET


@contextmanager
def daemon_on(directory: Path, rest: str, streams: str) -> Iterator[int]:
    """A running daemon, without store and api; its process id. Raises ``RuntimeError`` when it does not trade."""
    daemon = DaemonProcess(directory, venue_settings(rest, streams))
    try:
        ready = daemon.start("--no-children", env=CREDENTIALS)
        if not ready.get("ok"):
            raise RuntimeError(f"the daemon does not trade: {ready} {daemon.output()[-2000:]}")
        yield int(ready["pid"])
    finally:
        daemon.stop()
        daemon.end_everything()
