"""A day at a hostile venue with a killed daemon, replayed to the byte and compared with a backtest of the same day.

``python -m tests.faults.day_run [--bars 1440] [--points 4] [--seed 1] [--strategy KIND] [--quiet-venue]`` is the
full-size bar: 24 hours of one-minute candles, stepped, with funding, lost and late answers, cut sockets, pushes
dropped, repeated and out of order, and ``kill -9`` at seeded points. The suite runs a reduced one.
"""

import argparse
import json
import os
import sqlite3
import sys
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

from tests.faults import kill_run
from tests.faults.casts import CASTS
from tests.sandbox.stepped_run import MINUTE, first_bars, generated_candles, span_of
from tradectl.backtest.parity.run import Parity, parity_of
from tradectl.backtest.recorded_result import result_of
from tradectl.daemon.recorded_runs import recorded_run
from tradectl.daemon.replaying import replay_run
from tradectl.model.money import use_exact_context
from tradectl.paths import Paths


def funding_file(path: Path, data: Path) -> Path | None:
    """Rates that differ, at every settlement of the candles; ``None`` when there is none."""
    first, last, _ = span_of(data)
    step = 480 * MINUTE
    times = range(first - first % step + step, last + 1, step)
    if not times:
        return None
    rows = (f"{at},0.000{n}7\n" for n, at in enumerate(times, 1))
    path.write_text("timestamp,funding_rate\n" + "".join(rows))
    return path


def one_run(
    directory: Path, data: Path, points: int, seed: int, kind: str = "ema", hostile: bool = True
) -> dict[str, Any]:
    """Trade, be killed, go on; then replay and explain. Returns the figures."""
    use_exact_context()
    funding = funding_file(directory / "funding.csv", data)
    figures = kill_run.one_run(directory, data, "daemon", points, seed, kind, hostile, funding)
    state, folder = str(directory / "state"), directory / "config" / "strategies"
    replayed = replay_run(state, "", folder)
    assert replayed.report.identical, replayed.report.differences
    recorded, _ = recorded_run(state, "", folder)
    done = parity_of(recorded)
    judge(done, state)
    assert len(result_of(recorded).fills) == figures["executions"]
    return figures | told(done) | {"replay": "identical", "records": replayed.report.entries}


def judge(done: Parity, state: str) -> None:
    """Every digit is explained, and what is called recorded is what the database has."""
    assert done.report.explained, done.report.profits
    total = sum((Fraction(row.amount) for row in done.report.rows), Fraction(0))
    (profit,) = done.report.profits
    assert total == Fraction(profit.recorded) - Fraction(profit.backtest)
    assert Fraction(profit.recorded) == booked(state, done.marks)
    moved = [row for row in done.report.rows if row.amount]
    assert all(row.note and (row.recorded or row.backtest) for row in moved), "an amount without its reason"


def booked(state: str, marks: dict[str, float]) -> Fraction:
    """Profit of everything executed, recomputed from the store's rows at the same prices."""
    with sqlite3.connect(f"file:{Paths(state).database}?mode=ro", uri=True) as connection:
        connection.row_factory = sqlite3.Row
        rows = connection.execute("select * from executions").fetchall()
    profit = Fraction(0)
    for row in rows:
        profit -= Fraction(str(row["fee"]))
        if row["type"] != "Funding":
            mark = Fraction(str(marks[f"{row['category']}:{row['symbol']}"]))
            sign = 1 if row["side"] == "Buy" else -1
            profit += sign * Fraction(str(row["qty"])) * (mark - Fraction(str(row["price"])))
    return profit


def told(done: Parity) -> dict[str, Any]:
    """The comparison in a few figures."""
    counts = done.report.counts
    return {
        "orders": [counts.recorded_orders, counts.backtest_orders, counts.matched],
        "profit": {it.coin: [str(it.recorded), str(it.backtest), str(it.difference)] for it in done.report.profits},
        "causes": {f"{it.cause.value} {it.coin}": [str(it.amount), it.rows] for it in done.report.causes},
        "unexplained": {it.coin: str(it.unexplained) for it in done.report.profits},
    }


def main() -> int:
    """The full-size bar, by hand."""
    parser = argparse.ArgumentParser(description="A day with faults and kills, replayed and explained.")
    parser.add_argument("--bars", type=int, default=1440)
    parser.add_argument("--points", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--strategy", choices=tuple(CASTS), default="ema", help="who trades")
    parser.add_argument("--quiet-venue", action="store_true", help="only kills, no other faults")
    parser.add_argument("--keep", type=Path, default=None, help="work in this directory and leave it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = options.keep or Path(scratch)
        root.mkdir(parents=True, exist_ok=True)
        known, data = os.environ.get("TRADECTL_TEST_DATA", ""), root / "candles.csv.gz"
        real = Path(known) / "candles" / "bybit_linear_BTCUSDT_1m_2025-06.csv.gz"
        data = first_bars(real, data, options.bars) if known else generated_candles(data, options.bars)
        figures = one_run(root, data, options.points, options.seed, options.strategy, not options.quiet_venue)
        print(json.dumps(figures, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
