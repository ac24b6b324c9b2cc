"""``python -m tests.benchmarks.peers [--setup] [NAME...]``: ours beside the peers, in one run, alternating."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from tests.benchmarks.peers.environments import PEERS, interpreter, set_up

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
CHUNKS = (10, 50)


def ask(python: str, script: str, task: dict[str, Any]) -> tuple[dict[str, Any], float]:
    """A script's answer, and how long it took from command to answer."""
    began = time.perf_counter()
    command = [python, "-m", f"tests.benchmarks.peers.{script}"] if python == sys.executable else [
        python, str(HERE / f"{script}.py")
    ]  # fmt: skip
    done = subprocess.run(command, input=json.dumps(task), capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        raise SystemExit(f"{script} failed: {done.stderr.strip()[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1]), time.perf_counter() - began


def task_of(folder: str, count: int, rounds: int, **more: Any) -> dict[str, Any]:
    """A walk of ``count`` closes on the tick, and the costs."""
    path = os.path.join(folder, f"{count}.npy")
    draw = np.random.default_rng(1)
    np.save(path, np.round(60_000 * np.exp(np.cumsum(draw.normal(0, 0.0004, count))), 1))
    return {
        "close": path, "tick": 0.1, "lot": 0.001, "fee": 0.00055, "cash": 10**6, "capital": "0.95",
        "share": 0.95 / 1.005, "rounds": rounds, "cold": False, **more,
    }  # fmt: skip


def same_trades(ours: list[Any], theirs: list[Any]) -> str:
    """How many of our trades the peer made at the same bar, side and price, and how far the sizes agree."""
    known = {(it[0], it[1]): it for it in theirs}
    met = [(a, known[(a[0], a[1])]) for a in ours if (a[0], a[1]) in known]
    prices = sum(abs(a[3] - b[3]) < 1e-6 for a, b in met)
    sizes = max((abs(a[2] / b[2] - 1) for a, b in met), default=0.0)
    first = next((a[0] for a in ours if (a[0], a[1]) not in known), None)
    late = "" if first is None else f"; the first that differs is at bar {first}"
    return (
        f"{len(met)} of {len(ours)} trades (theirs {len(theirs)}), {prices} prices alike, "
        f"sizes within {sizes:.2%}{late}"
    )


def vectorbt_single(folder: str, rounds: int) -> None:
    """500,000 candles, one pair."""
    python = interpreter("vectorbt")
    task = task_of(folder, 500_000, 15, what="single", fast=10, slow=30)
    ours, theirs = [], []
    for _ in range(rounds):
        peer, _ = ask(python, "vectorbt_crossing", task)
        own, _ = ask(sys.executable, "our_arrays", task)
        theirs.append(median(peer["cpu"]))
        ours.append(median(own["cpu"]))
    rate = [500_000 / median(it) / 1e6 for it in (ours, theirs)]
    print(f"EMA cross, 500,000 candles: ours {rate[0]:.1f}M, vectorbt {rate[1]:.2f}M candles per CPU-second, warm: "
          f"{rate[0] / rate[1]:.1f} times (goal 20)")  # fmt: skip
    print(f"  {same_trades(own['orders'], peer['orders'])}; equity {own['final']:.2f} and {peer['final']:.2f}")


def vectorbt_sweep(folder: str, rounds: int) -> None:
    """1,000 pairs over 100,000 candles."""
    python = interpreter("vectorbt")
    pairs = [(fast, slow) for fast in range(5, 45) for slow in range(50, 75)]
    task = task_of(folder, 100_000, 3, what="sweep", pairs=pairs, chunk=CHUNKS[0])
    ours, theirs, bare, cold = [], [], [], []
    for _ in range(rounds):
        ours.append(median(ask(sys.executable, "our_arrays", task)[0]["wall"]))
        bare.append(median(ask(sys.executable, "bare_kernel", task)[0]["wall"]))
        once = {**task, "rounds": 1}
        theirs.append(min(ask(python, "vectorbt_crossing", {**once, "chunk": it})[0]["wall"][0] for it in CHUNKS))
        first = {**once, "cold": True}
        cold.append((ask(sys.executable, "our_arrays", first)[1], ask(python, "vectorbt_crossing", first)[1]))
    work = len(pairs) * 100_000 / 1e6
    own, peer, floor = (work / median(it) for it in (ours, theirs, bare))
    print(f"1,000 pairs x 100,000 candles, M pairs x candles per second: ours {own:.0f}, vectorbt {peer:.1f}, "
          f"kernel {floor:.0f}: {own / peer:.0f} times (goal 40), {own / floor:.2f} of it (goal 0.7)")  # fmt: skip
    mine, others = median(it[0] for it in cold), median(it[1] for it in cold)
    print(f"  from command to result {mine:.1f} s, vectorbt {others:.1f} s: {mine / others:.2f} (goal 0.5)")


#: What can be compared, by name; a peer's own module adds a line here.
COMPARED: dict[str, Callable[[str, int], None]] = {"vectorbt": vectorbt_single, "vectorbt_sweep": vectorbt_sweep}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.peers", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(COMPARED)}; all without one")
    parser.add_argument("--setup", action="store_true", help="make the peers' environments first")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each comparison (default 3)")
    given = parser.parse_args(arguments)
    if given.setup:
        for peer in PEERS:
            problem = set_up(peer)
            print(f"{peer}: {problem or 'ready'}", file=sys.stderr)
        if not given.names:
            return 0
    unknown = [name for name in given.names if name not in COMPARED]
    if unknown:
        raise SystemExit(f"{', '.join(unknown)}: no such comparison; there are {', '.join(COMPARED)}")
    with tempfile.TemporaryDirectory() as folder:
        for name in given.names or COMPARED:
            COMPARED[name](folder, given.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
