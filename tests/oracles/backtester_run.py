"""Many random cases through the backtester and its oracle: ``python -m tests.oracles.backtester_run --runs 1000``."""

import argparse
import sys
import time
from collections import Counter

from tests.oracles.backtester import run
from tests.unit.backtest.oracle_twin import difference, played
from tests.unit.backtest.random_histories import case


def main() -> int:
    """Compare; the first differences are shown, and the exit code is 1 when there is any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="seed of the first case")
    parser.add_argument("--spot", action="store_true", help="spot markets instead of perpetuals")
    parser.add_argument("--show", type=int, default=5, help="differences to show")
    asked = parser.parse_args()
    seen: Counter[str] = Counter()
    wrong, started = [], time.process_time()
    for seed in range(asked.first, asked.first + asked.runs):
        made = case(seed, asked.spot)
        theirs = run(made)
        difference_found = difference(played(made)[0], theirs)
        seen.update(row["kind"] for row in theirs.fills)
        seen["maker"] += sum(row["maker"] for row in theirs.fills)
        seen["refused"] += theirs.refused
        seen["compared in part"] += bool(theirs.until)
        if difference_found:
            wrong.append(seed)
            if len(wrong) <= asked.show:
                print(f"seed {seed}: {difference_found}")
    counted = ", ".join(f"{count} {name}" for name, count in sorted(seen.items()))
    spent = time.process_time() - started
    print(f"{asked.runs} cases, {len(wrong)} differ ({wrong[:20]}): {counted}; {spent:.0f} s CPU")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
