"""A whole candle file through the real daemon and the real sockets, in lock-step, and what it must agree with.

``python -m tests.sandbox.stepped_run [--data FILE] [--bars N] [--twice] [--funding FILE]`` is the full-size bar; the
suite runs a reduced one.
"""

import argparse
import gzip
import hashlib
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.sandbox.agreement import assert_agreement
from tests.sandbox.daemon_process import DaemonProcess

MINUTE = 60_000
START = 1_748_736_000_000  # 2025-06-01 00:00 UTC, in milliseconds


def generated_candles(path: Path, bars: int, seed: int = 7, start: int = START) -> Path:
    """A file of one-minute candles of the same form as the real ones: the twin for machines without the data."""
    dice = random.Random(seed)
    price, lines = 1_050_000, ["timestamp,open,high,low,close,volume"]
    for n in range(bars):
        close = max(price + dice.randint(-400, 400), 1000)
        high, low = max(price, close) + dice.randint(0, 150), min(price, close) - dice.randint(0, 150)
        volume = dice.randint(1000, 90_000)
        row = (start + n * MINUTE, price / 10, high / 10, low / 10, close / 10, volume / 1000)
        lines.append(",".join(str(value) for value in row))
        price = close
    path.write_bytes(gzip.compress("\n".join(lines).encode() + b"\n"))
    return path


def span_of(path: Path) -> tuple[int, int, int]:
    """First and last open time (milliseconds) and the number of candles of a file."""
    opener: Callable[..., Any] = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt") as file:
        rows = [int(line.split(",", 1)[0]) for line in file if line[0].isdigit()]
    return rows[0], rows[-1], len(rows)


def first_bars(source: Path, target: Path, bars: int) -> Path:
    """The first ``bars`` candles of a file."""
    with gzip.open(source, "rt") as file:
        lines = [next(file) for _ in range(bars + 1)]
    target.write_bytes(gzip.compress("".join(lines).encode()))
    return target


def settings(data: Path, funding: Path | None = None, fast: int = 10, slow: int = 30) -> str:
    """Settings of a stepped run of ``ema_cross``."""
    lines = [
        "[trading]", 'mode = "sandbox"', "[sandbox]", "stepped = true", f'data = "{data}"', "backfill = 0",
        "[risk]", "day_loss_share = 10", "drawdown_share = 10", "[[strategies]]", 'name = "ema"',
        'class = "ema_cross"', f"params = {{ fast = {fast}, slow = {slow} }}",
    ]  # fmt: skip
    if funding is not None:
        lines.insert(6, f'funding = "{funding}"')
    return "\n".join(lines) + "\n"


def quiet_api(directory: Path) -> None:
    """The gateway takes a free port, so that runs do not meet."""
    (directory / "config").mkdir(parents=True, exist_ok=True)
    (directory / "config" / "api.toml").write_text("[api]\nport = 0\n")


def orders_of(daemon: DaemonProcess) -> list[dict[str, Any]]:
    """Every order in the database without what names the run."""
    rows = daemon.database("select * from orders order by link_id")
    return [{k: row[k] for k in row.keys() if k not in ("run", "key", "link_id")} | _suffix(row) for row in rows]  # noqa: SIM118


def _suffix(row: Any) -> dict[str, str]:
    return {"link": str(row["link_id"]).partition("-")[2]}


def fingerprint(daemon: DaemonProcess) -> str:
    """One hash over all orders and executions, the run id aside."""
    fills = [dict(row) for row in daemon.database("select * from executions order by ts, exec_id")]
    for fill in fills:
        fill.pop("run")
        fill["link_id"] = str(fill["link_id"]).partition("-")[2]
    return hashlib.sha256(json.dumps([orders_of(daemon), fills], default=str).encode()).hexdigest()


def run_to_end(daemon: DaemonProcess, bars: int, seconds: float) -> float:
    """Wait until the whole file was replayed; returns candles per second."""
    began = time.monotonic()
    daemon.wait_for(lambda: daemon.venue().state()["ended"], seconds, "the end of the data")
    return bars / (time.monotonic() - began)


def bars_consumed(daemon: DaemonProcess) -> list[int]:
    """Open times of the bars the engine consumed, from its journal."""
    from tradectl.journal import read_entries
    from tradectl.model.events import BarClosed, BarsLoaded

    seen: list[int] = []
    for directory in Path(daemon.paths.journal).iterdir():
        for entry in read_entries(directory):
            if isinstance(entry.event, BarClosed):
                seen.append(entry.event.bar.open_time)
            elif isinstance(entry.event, BarsLoaded):
                seen += [bar.open_time for bar in entry.event.bars]
    return seen


def one_run(directory: Path, data: Path, funding: Path | None, seconds: float, seed: str = "0") -> dict[str, Any]:
    """Start, replay the file, compare everything, replay the journal, stop; returns the figures."""
    from tradectl.daemon.replaying import replay_run
    from tradectl.model.money import use_exact_context

    use_exact_context()
    first, last, bars = span_of(data)
    quiet_api(directory)
    daemon = DaemonProcess(directory, settings(data, funding))
    try:
        ready = daemon.start(env={"PYTHONHASHSEED": seed})
        assert ready["ok"], ready
        speed = run_to_end(daemon, bars, seconds)
        figures = assert_agreement(daemon, first, last + 2 * MINUTE)
        counts = daemon.venue().state()["create_counts"]
        assert set(counts.values()) <= {1}, "an orderLinkId was sent twice"
        figures["fingerprint"] = fingerprint(daemon)
        assert daemon.stop() == 0, daemon.output()[-2000:]
        consumed = bars_consumed(daemon)
        expected = [t * 1_000_000 for t in range(first, last + 1, MINUTE)]
        assert len(consumed) == len(set(consumed)), "a candle was consumed twice"
        assert set(consumed) >= set(expected) or bars != len(expected), "a candle was never consumed"
        report = replay_run(daemon.paths.state, "", None).report
        assert report.identical, report.differences
        return figures | {
            "bars": bars,
            "bars_per_second": round(speed),
            "records": report.entries,
            "replay": "identical",
        }
    finally:
        daemon.end_everything()


def main() -> int:
    """The full-size bar, by hand."""
    parser = argparse.ArgumentParser(description="A candle file through the real daemon, stepped.")
    parser.add_argument("--data", type=Path, default=None, help="candle file (default: from TRADECTL_TEST_DATA)")
    parser.add_argument("--funding", type=Path, default=None)
    parser.add_argument("--bars", type=int, default=0, help="only the first so many candles")
    parser.add_argument("--twice", action="store_true", help="run it twice and compare")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        known = os.environ.get("TRADECTL_TEST_DATA", "")
        data = options.data or (Path(known) / "candles" / "bybit_linear_BTCUSDT_1m_2025-06.csv.gz" if known else None)
        data = data or generated_candles(root / "generated.csv.gz", 43_200)
        if options.bars:
            data = first_bars(data, root / "first.csv.gz", options.bars)
        prints = []
        for number in range(2 if options.twice else 1):
            figures = one_run(root / f"run{number}", data, options.funding, 900, str(number))
            prints.append(figures["fingerprint"])
            print(json.dumps(figures, indent=2))
        assert len(set(prints)) == 1, "two runs differ"
    return 0


if __name__ == "__main__":
    sys.exit(main())
