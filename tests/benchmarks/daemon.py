"""The daemon as a whole: from the command to RUNNING, what it holds in memory, and how fast it replays in lock-step."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks.cli import SCRIPT
from tests.benchmarks.daemon_client import CREDENTIALS, cpu_ns, resident_mb, venue_settings
from tests.benchmarks.measure import Effort, Goal, Row, interleaved
from tests.benchmarks.processes import PATIENCE, ROOT, environment, helper
from tests.sandbox.daemon_process import DaemonProcess
from tests.sandbox.stepped_run import first_bars, generated_candles, quiet_api, run_to_end, settings

CANDLES = 2_000
#: Seconds a daemon trades before its memory is read: the heap has settled, the first candles are through.
SETTLE = 5.0


class Profile:
    """A state directory with settings of its own, and the console script to start and stop its daemon."""

    def __init__(self, directory: Path, trading: str = "", **env: str) -> None:
        self.state = directory / "state"
        (directory / "config").mkdir(parents=True)
        (directory / "config" / "api.toml").write_text("[api]\nport = 0\n")
        (directory / "config" / "trading.toml").write_text(trading)
        self._script = directory / "tradectl"
        self._script.write_text(SCRIPT)
        self._env = environment(TRADECTL_STATE=str(self.state), TRADECTL_CONFIG=str(directory / "config"), **env)

    def run(self, *words: str) -> tuple[float, str]:
        """Milliseconds of wall time and output of one command. Raises ``RuntimeError`` when it fails."""
        before = time.perf_counter()
        done = subprocess.run(
            [sys.executable, str(self._script), *words], cwd=ROOT, env=self._env, capture_output=True, text=True,
            timeout=PATIENCE, check=False,
        )  # fmt: skip
        spent = (time.perf_counter() - before) * 1e3
        if done.returncode:
            raise RuntimeError(f"tradectl {' '.join(words)} ended with {done.returncode}: {done.stderr[-2000:]}")
        return spent, done.stdout

    def start(self) -> float:
        """``tradectl start`` returns when the daemon trades."""
        return self.run("start")[0]

    def stop(self) -> None:
        self.run("stop")

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run("status", "--json")[1])
        return found


def _started(profile: Profile) -> float:
    try:
        return profile.start()
    finally:
        profile.stop()


def _fresh(root: Path) -> float:
    with tempfile.TemporaryDirectory(dir=root) as directory:
        return _started(Profile(Path(directory) / "p"))


def start_rows(effort: Effort) -> Iterator[Row]:
    """From the console script's start to RUNNING."""
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tctl-")))
        venue = stack.enter_context(helper("-m", "tests.benchmarks.venue_process"))
        ports = json.loads(venue.hear())
        rest, streams = f"http://127.0.0.1:{ports['rest']}", f"ws://127.0.0.1:{ports['streams']}/start"
        warm = Profile(root / "warm")
        quick = Profile(root / "quick", venue_settings(rest, streams), **CREDENTIALS)
        jobs = {
            "fresh": partial(_fresh, root),
            "warm": partial(_started, warm),
            "quick": partial(_started, quick),
        }
        if effort.rounds > 1:  # a single round is a smoke test, which need not find anything warm
            for name in ("warm", "quick"):
                jobs[name]()
        found = interleaved(effort.rounds, jobs)
    for name, where, limit in (
        ("fresh", "a state directory that does not exist yet, its own sandbox", 3_000.0),
        ("warm", "a state directory that was used before, its own sandbox", 3_000.0),
        ("quick", "an exchange that answers at once, a state directory used before", 1_000.0),
    ):
        yield Row(
            name=f"start.{name}", what=f"tradectl start to RUNNING: {where}, wall", unit="ms", values=found[name],
            goals=(Goal(limit),),
        )  # fmt: skip


def memory_rows(effort: Effort) -> Iterator[Row]:
    """A daemon on its own sandbox with one symbol, a few seconds after RUNNING."""
    values: list[float] = []
    others: dict[str, list[float]] = {}
    for _ in range(min(effort.rounds, 3)):
        with tempfile.TemporaryDirectory(prefix="tctl-") as directory:
            profile = Profile(Path(directory) / "p")
            profile.start()
            try:
                time.sleep(SETTLE * min(1.0, effort.scale))  # it is a measuring time, nothing is waited for
                status = profile.status()
                values.append(resident_mb(status["pid"]))
                for child in status["children"]:
                    if child["pid"]:
                        others.setdefault(child["name"], []).append(resident_mb(child["pid"]))
            finally:
                profile.stop()
    note = ", ".join(f"{name} {median(sizes):.0f} MB" for name, sizes in others.items())
    yield Row(
        name="memory.daemon", what="resident memory of the daemon, one symbol, sandbox mode", unit="MB", values=values,
        goals=(Goal(70.0),), note=f"beside it: {note}",
    )  # fmt: skip


def _candles(directory: Path, bars: int) -> tuple[Path, str]:
    """Real candles where ``TRADECTL_TEST_DATA`` names them, else their generated twin."""
    named = os.environ.get("TRADECTL_TEST_DATA", "")
    real = Path(named) / "candles" / "bybit_linear_BTCUSDT_1m_2025-06.csv.gz"
    target = directory / "candles.csv.gz"
    if named and real.is_file():
        return first_bars(real, target, bars), "real candles"
    return generated_candles(target, bars), "generated candles"


def _stepped(data: Path, bars: int, directory: Path, spent: dict[str, list[float]]) -> float:
    """Candles per second; CPU microseconds per candle of both ends go to ``spent``."""
    quiet_api(directory)
    daemon = DaemonProcess(directory, settings(data))
    try:
        ready = daemon.start()
        if not ready.get("ok"):
            raise RuntimeError(f"the daemon does not trade: {ready}")
        endpoint = json.loads((Path(daemon.paths.sandbox) / "endpoint.json").read_text())
        pids = {"daemon": int(ready["pid"]), "sandbox": int(endpoint["pid"])}
        before = {name: cpu_ns(pid) for name, pid in pids.items()}
        speed = run_to_end(daemon, bars, 120.0)
        for name, pid in pids.items():
            spent.setdefault(name, []).append((cpu_ns(pid) - before[name]) / bars / 1_000)
        return speed
    finally:
        daemon.stop()
        daemon.end_everything()


def stepped_rows(effort: Effort) -> Iterator[Row]:
    """Lock-step through real sockets: each frame waits until the daemon has handled the one before."""
    bars = effort.count(CANDLES, least=50)
    values, spent = [], dict[str, list[float]]()
    with tempfile.TemporaryDirectory(prefix="tctl-") as scratch:
        data, kind = _candles(Path(scratch), bars)
        for number in range(min(effort.rounds, 3)):
            values.append(_stepped(data, bars, Path(scratch) / str(number), spent))
    note = ", ".join(f"{name} {median(times):,.0f} us of CPU a candle" for name, times in spent.items())
    yield Row(
        name="stepped.candles", what=f"ema_cross over {bars:,} {kind} through the real daemon and sandbox, wall",
        unit="candles/s", values=values, goals=(Goal(500.0, at_least=True),), note=note,
    )  # fmt: skip
