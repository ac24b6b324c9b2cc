"""A stepped run that is killed at seeded points, and must end as if nothing had happened.

``python -m tests.faults.kill_run [--strategy KIND] [--points 20] [--bars 3000] [--seed 1]
[--victim daemon|store|api|sandbox] [--hostile]`` is the full-size bar; the suite runs a reduced one. ``KIND`` is one of
:data:`tests.faults.casts.CASTS`. After every recovery, and at further points, the market is held until daemon and
venue came to rest, and :mod:`tests.faults.still_venue` says what must hold then.
"""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.faults.algorithm_ends import judge_algorithms
from tests.faults.casts import CASTS, Cast
from tests.faults.crashing_daemon import PHASES
from tests.faults.hold import Hold
from tests.faults.hostile_venue import HOSTILE, arm
from tests.faults.still_venue import come_to_rest, refused_orders
from tests.faults.unprotected import longest_gaps
from tests.sandbox.agreement import assert_agreement
from tests.sandbox.daemon_process import DaemonProcess
from tests.sandbox.stepped_run import MINUTE, bars_consumed, first_bars, generated_candles, quiet_api, span_of
from tradectl.daemon.replaying import replay_run

#: The venue's clock stands while the daemon is down and while anything is unanswered.
ALLOWED_GAP_MS = 1000


def crash_daemon(daemon: DaemonProcess, hold: Hold, cast: Cast, dice: random.Random, points: int) -> list[str]:
    """Start the crashing daemon again and again; returns where it died."""
    died = []
    for number in range(points):
        phase = PHASES[number % len(PHASES)]
        at = dice.randint(1, 12) if phase.endswith("send") else dice.randint(1, 900)
        ready = hold.start("--at", str(at), "--phase", phase)
        if ready["ok"] and come_to_rest(daemon, cast.guarded):
            hold.release()
        code = wait_for_death(daemon, 240)
        if code is None:
            daemon.kill()
            break  # the data came to its end before
        assert code == -signal.SIGKILL, f"{phase} {at}: exit {code}: {daemon.output()[-3000:]}"
        died.append(f"{phase}:{at}")
    return died


def wait_for_death(daemon: DaemonProcess, seconds: float) -> int | None:
    """The exit code, or ``None`` when the data is used up and it lives."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        code = daemon.wait(0.2)
        if code is not None or ended(daemon):
            return code
    raise AssertionError(f"it neither died nor came to the end: {daemon.output()[-3000:]}")


def look_around(daemon: DaemonProcess, hold: Hold, cast: Cast, dice: random.Random, looks: int) -> int:
    """Hold the market at seeded frames and look whether all is right; returns how often."""
    for number in range(looks):
        wait_frames(daemon, frames(daemon) + dice.randint(50, 600))
        hold.hold()
        assert come_to_rest(daemon, cast.guarded), "the daemon died"
        hold.release()
        if ended(daemon):
            return number + 1
    return looks


def kill_child(daemon: DaemonProcess, victim: str, dice: random.Random, points: int) -> list[str]:
    """Kill store, api or sandbox when the sandbox has sent a seeded number of further frames."""
    died: list[str] = []
    for _ in range(points):
        goal = frames(daemon) + dice.randint(200, 1500)
        wait_frames(daemon, goal)
        if ended(daemon):
            break
        pid = pid_of(daemon, victim)
        os.kill(pid, signal.SIGKILL)
        died.append(f"{victim}:{goal}")
        daemon.wait_for(lambda pid=pid: pid_of(daemon, victim) not in (0, pid), 30, f"a new {victim}")
        daemon.wait_for(lambda: frames(daemon) >= 0, 30, "the sandbox to answer")
    return died


def pid_of(daemon: DaemonProcess, victim: str) -> int:
    """The process to kill, 0 while there is none."""
    try:
        if victim == "sandbox":
            return int(json.loads((Path(daemon.paths.sandbox) / "endpoint.json").read_text())["pid"])
        return int((Path(daemon.paths.run) / f"{victim}.pid").read_text())
    except (OSError, ValueError):
        return 0


def state_of(daemon: DaemonProcess) -> dict[str, Any]:
    """The sandbox's state, empty while it does not answer."""
    try:
        return daemon.venue().state()
    except OSError:
        return {}


def frames(daemon: DaemonProcess) -> int:
    return int(state_of(daemon).get("frames_sent", -1))


def ended(daemon: DaemonProcess) -> bool:
    return bool(state_of(daemon).get("ended", False))


def wait_frames(daemon: DaemonProcess, goal: int) -> None:
    """Until the sandbox sent so many frames, or the data is used up."""
    daemon.wait_for(lambda: frames(daemon) >= goal or ended(daemon), 120, f"{goal} frames")


def one_run(
    directory: Path, data: Path, victim: str, points: int, seed: int, kind: str = "ema", hostile: bool = False,
    funding: Path | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Kill, go on, compare; returns the figures. ``hostile``: the venue loses, delays and repeats besides. ``funding``
    is a file of rates, without it none is paid."""
    from tradectl.model.money import use_exact_context

    use_exact_context()
    dice, cast = random.Random(seed), CASTS[kind]
    quiet_api(directory)
    daemon = DaemonProcess(directory, cast.settings(data, funding))
    cast.install(daemon.config)
    hold = Hold(daemon)
    began = time.monotonic()
    try:
        ready = hold.start()
        assert ready["ok"], ready
        if hostile:
            arm(daemon, HOSTILE)
        if victim == "daemon":
            daemon.kill()
        died = crash_daemon(daemon, hold, cast, dice, points) if victim == "daemon" else []
        if victim == "daemon":
            ready = hold.start()
            assert ready["ok"], ready
        assert come_to_rest(daemon, cast.guarded), "the daemon died"
        hold.release()
        if victim != "daemon":
            died = kill_child(daemon, victim, dice, points)
        looks = look_around(daemon, hold, cast, dice, 10)
        daemon.wait_for(lambda: ended(daemon), 600, "the end of the data")
        figures = judge(daemon, cast, data)
        assert figures["faults_fired"] or not hostile, "nothing went wrong at the venue"
        return figures | {"killed": died, "looks": looks, "seconds": round(time.monotonic() - began, 1)}
    finally:
        daemon.end_everything()


def _unfinished(daemon: DaemonProcess, seconds: float = 15.0) -> list[tuple[Any, ...]]:
    """Orders of which the last word is missing: one may be on its way just now, but none stays so."""
    deadline = time.monotonic() + seconds
    while True:
        rows = daemon.database(
            "select link_id, status from orders where status in ('Queued', 'Sent', 'Unknown', 'Accepted')"
        )
        if not rows or time.monotonic() > deadline:
            return [tuple(row) for row in rows]
        time.sleep(0.05)


def judge(daemon: DaemonProcess, cast: Cast, data: Path) -> dict[str, Any]:
    """At the end: nothing twice, nothing lost, no position without its stop, the same money everywhere."""
    first, last, bars = span_of(data)
    assert come_to_rest(daemon, cast.guarded), "the daemon died"
    state = daemon.venue().state()
    twice = {link: n for link, n in state["create_counts"].items() if n != 1}
    assert not twice, f"sent twice: {twice}"
    refused = refused_orders(daemon.venue())
    assert not refused, f"the venue's limits were broken: {refused}"
    figures = assert_agreement(daemon, first, last + 2 * MINUTE)
    figures |= {"bars": bars, "faults_fired": state["faults"]["fired"]}
    unfinished = _unfinished(daemon)
    assert not unfinished, unfinished
    if len(cast.guarded) == len(cast.instances):
        gaps = longest_gaps(daemon.venue(), first, last + 2 * MINUTE)
        figures |= {"stops_fired": gaps.fired, "longest_without_stop_ms": gaps.longest}
        assert gaps.longest <= ALLOWED_GAP_MS, f"a position was without a stop: {gaps}"
    figures |= judge_algorithms(daemon)
    assert daemon.stop() == 0, daemon.output()[-2000:]
    consumed = bars_consumed(daemon)
    expected = {t * 1_000_000 for t in range(first, last + 1, MINUTE)}
    assert expected <= set(consumed), f"{len(expected - set(consumed))} candles were never consumed"
    report = replay_run(daemon.paths.state, "", daemon.config / "strategies").report
    assert report.identical, report.differences
    return figures


def main() -> int:
    """The full-size bar, by hand."""
    parser = argparse.ArgumentParser(description="A stepped run, killed at seeded points.")
    parser.add_argument("--points", type=int, default=20)
    parser.add_argument("--bars", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--victim", choices=("daemon", "store", "api", "sandbox"), default="daemon")
    parser.add_argument("--strategy", choices=tuple(CASTS), default="ema", help="who trades")
    parser.add_argument("--hostile", action="store_true", help="lost, late and repeated answers, cut sockets")
    parser.add_argument("--keep", type=Path, default=None, help="work in this directory and leave it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = options.keep or Path(scratch)
        known = os.environ.get("TRADECTL_TEST_DATA", "")
        real = Path(known) / "candles" / "bybit_linear_BTCUSDT_1m_2025-06.csv.gz"
        root.mkdir(parents=True, exist_ok=True)
        data = root / "candles.csv.gz"
        data = first_bars(real, data, options.bars) if known else generated_candles(data, options.bars)
        figures = one_run(root, data, options.victim, options.points, options.seed, options.strategy, options.hostile)
        print(json.dumps(figures, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
