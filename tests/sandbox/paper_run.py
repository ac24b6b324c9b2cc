"""Paper mode over a sandbox's public streams: traded, killed, and then compared with everything that must agree.

``python -m tests.sandbox.paper_run [--bars 1440] [--speed 120] [--kills 4] [--seed 1] [--strategy KIND]`` is the
full-size bar, a day of candles; the suite runs a reduced one. The daemon has no key,
and the sandbox no account of it.
"""

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time
import urllib.request
from fractions import Fraction
from pathlib import Path
from typing import Any

from tests.faults.casts import CASTS, LIMITS
from tests.faults.day_run import funding_file, judge, told
from tests.oracles import ledger_checker as checker
from tests.sandbox.agreement import COINS
from tests.sandbox.daemon_process import DaemonProcess
from tests.sandbox.stepped_run import first_bars, generated_candles, quiet_api
from tests.sandbox.test_process import Process
from tradectl.backtest.parity.run import parity_of
from tradectl.daemon.paper_file import PaperFile
from tradectl.daemon.recorded_runs import recorded_run
from tradectl.daemon.replaying import replay_run
from tradectl.matching.exchange import Exchange
from tradectl.model.money import use_exact_context
from tradectl.model.orders import Execution

CASH = "100000"


def settings(base: str, kind: str, latency: float) -> str:
    """Settings of a paper daemon on the sandbox at ``base``; ``latency`` in milliseconds, there and back each."""
    head = ["[trading]", 'mode = "paper"', "[exchange]", f'rest_base = "{base}"']
    head += ["[paper]", f"cash = {{ USDT = {CASH} }}", f"order_ms = {latency}", f"answer_ms = {latency}"]
    return "\n".join([*head, "[risk]", LIMITS, CASTS[kind].strategies()])


def has_ended(base: str) -> bool:
    """Whether the sandbox has come to the end of its candles."""
    with urllib.request.urlopen(f"{base}/sandbox/state", timeout=20) as answer:
        return bool(json.load(answer)["ended"])


def wire_row(number: int, it: Execution) -> dict[str, Any]:
    """An execution as the independent checker reads it, in the order it happened."""
    return {
        "category": it.instrument.category.value, "symbol": it.instrument.symbol, "side": it.side.value,
        "execId": it.exec_id, "execQty": str(it.qty), "execPrice": str(it.price), "execValue": str(it.value),
        "execFee": str(it.fee), "feeCurrency": it.fee_coin, "execType": it.type, "execTime": str(number),
        "seq": str(number), "feeRate": str(it.fee_rate) if it.type == "Trade" else "",
    }  # fmt: skip


def assert_books(daemon: DaemonProcess) -> dict[str, Any]:
    """The account on disk, the database and the independent checker: the same executions and the same money."""
    file = PaperFile(Path(daemon.paths.paper))
    assert file.saved is not None
    exchange = Exchange.restore(file.saved.exchange)
    uid, past = file.saved.uid, list(file.past.executions)
    file.close()
    ids = [it.exec_id for it in past]
    assert len(ids) == len(set(ids)), "an execution is in the account's past twice"
    stored = {row["exec_id"]: row for row in daemon.database("select * from executions")}
    assert set(stored) == set(ids), f"executions differ: {set(stored) ^ set(ids)}"
    rows = [wire_row(n, it) for n, it in enumerate(past)]
    books = checker.recompute(rows, [{"coin": "USDT", "amount": CASH}], COINS)
    assert Fraction(exchange.wallet(uid, "USDT").balance) == books.cash["USDT"]
    (ours,) = daemon.database("select wallet from balances where coin = 'USDT'")
    assert Fraction(ours["wallet"]) == books.cash["USDT"], "the books differ from the account"
    held = {str(it.instrument): (Fraction(it.size), Fraction(it.cost)) for it in exchange.positions(uid)}
    net = daemon.database("select * from positions where strategy = ''")
    booked = {f"{row['category']}:{row['symbol']}": (Fraction(row["size"]), Fraction(row["cost"])) for row in net}
    assert {key: value for key, value in booked.items() if value[0]} == held
    checked = books.positions.get(("linear", "BTCUSDT"), checker.CheckedPosition())
    assert (checked.size, checked.cost) == held.get("linear:BTCUSDT", (0, 0))
    kinds = [it.type for it in past]
    return {
        "executions": kinds.count("Trade"), "makers": sum(it.is_maker for it in past),
        "funding_rows": kinds.count("Funding"), "position": str(checked.size), "cash": str(float(books.cash["USDT"])),
        "exits": sum(bool(it.stop_order_type) for it in past),
    }  # fmt: skip


def one_run(
    directory: Path, data: Path, speed: float, kills: int, seed: int, kind: str = "stops", latency: float = 0.0,
    seconds: float = 900.0,
) -> dict[str, Any]:  # fmt: skip
    """Trade the candles, be killed at seeded moments, go on; then compare. Returns the figures."""
    use_exact_context()
    dice = random.Random(seed)
    funding = funding_file(directory / "funding.csv", data)
    paid = ["--funding", str(funding)] if funding is not None else []
    venue = Process(directory / "venue", "--data", str(data), "--speed", str(speed), "--backfill", "0", *paid)
    base = f"http://127.0.0.1:{venue.endpoint['port']}"
    quiet_api(directory)
    daemon = DaemonProcess(directory, settings(base, kind, latency))
    CASTS[kind].install(daemon.config)
    try:
        for _ in range(kills):
            assert daemon.start()["ok"], daemon.ready
            time.sleep(dice.uniform(1.0, 3.0))
            daemon.kill()
        assert daemon.start()["ok"], daemon.ready
        daemon.wait_for(lambda: has_ended(base), seconds, "the end of the data")
        daemon.wait_for(
            lambda: _is_settled(daemon), 30, "the last word on every order, in the account and the database"
        )
        assert daemon.stop() == 0, daemon.output()[-2000:]
        figures = assert_books(daemon)
        state, folder = str(directory / "state"), directory / "config" / "strategies"
        replayed = replay_run(state, "", folder)
        assert replayed.report.identical, replayed.report.differences
        recorded, _ = recorded_run(state, "", folder)
        assert recorded.mode == "paper"
        done = parity_of(recorded)
        judge(done, state)
        return figures | told(done) | {"records": replayed.report.entries, "kills": kills}
    finally:
        daemon.end_everything()
        venue.end()


def _is_settled(daemon: DaemonProcess) -> bool:
    """Whether the database, which follows, has what the account has, and no order waits for its first word."""
    undecided = "('Queued', 'Sent', 'Unknown', 'Accepted')"
    waiting = daemon.database(f"select count(*) as n from orders where status in {undecided}")[0]["n"]
    with tempfile.TemporaryDirectory() as scratch:
        file = PaperFile(Path(shutil.copy(daemon.paths.paper, scratch)))  # it is the daemon's: a copy is read
        done = len(file.past.executions)
        file.close()
    return not waiting and int(daemon.database("select count(*) as n from executions")[0]["n"]) == done


def main() -> int:
    """The full-size bar, by hand."""
    parser = argparse.ArgumentParser(description="A day of paper trading, with kills, replayed and explained.")
    parser.add_argument("--bars", type=int, default=1440)
    parser.add_argument("--speed", type=float, default=120.0, help="venue seconds in a second")
    parser.add_argument("--kills", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--latency", type=float, default=0.0, help="milliseconds of ours, there and back each")
    parser.add_argument("--strategy", choices=tuple(CASTS), default="stops", help="who trades")
    parser.add_argument("--keep", type=Path, default=None, help="work in this directory and leave it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = options.keep or Path(scratch)
        root.mkdir(parents=True, exist_ok=True)
        known, data = os.environ.get("TRADECTL_TEST_DATA", ""), root / "candles.csv.gz"
        real = Path(known) / "candles" / "bybit_linear_BTCUSDT_1m_2025-06.csv.gz"
        data = first_bars(real, data, options.bars) if known else generated_candles(data, options.bars)
        o = options
        print(json.dumps(one_run(root, data, o.speed, o.kills, o.seed, o.strategy, o.latency), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
