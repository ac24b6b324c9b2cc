"""The control process [28]: does nothing but wake up every millisecond, and says how late it was.

``begin`` starts a stretch, ``end`` answers with its median and 99th percentile of lateness in microseconds.
"""

import json
import select
import sys
import time

from tests.benchmarks.measure import quantile

TICK = 0.001


def stretch() -> list[float]:
    """Lateness of each wake-up until a line comes."""
    late = []
    while True:
        before = time.perf_counter()
        if select.select([sys.stdin], [], [], TICK)[0]:
            return late
        late.append(max(0.0, time.perf_counter() - before - TICK) * 1e6)


def main() -> None:
    print("ready", flush=True)
    while sys.stdin.readline():
        late = stretch() or [0.0]
        sys.stdin.readline()
        print(json.dumps({"p50": quantile(late, 0.5), "p99": quantile(late, 0.99)}), flush=True)


if __name__ == "__main__":
    main()
