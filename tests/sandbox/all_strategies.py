"""Every built-in strategy at once in the real daemon on the real sandbox, stepped, and what must hold afterwards.

``python -m tests.sandbox.all_strategies [--bars N] [--generated]`` is the full form: a month of recorded candles of
four perpetuals (from TRADECTL_TEST_DATA) with a spot pair; the suite runs a reduced one.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from tests.sandbox.daemon_process import DaemonProcess
from tests.sandbox.stepped_run import fingerprint, quiet_api
from tests.sandbox.whole_account import assert_account_agrees, over_limits
from tests.sandbox.whole_market import MINUTE, candles_of, generated_market, real_market

SHARES = {"position_share": 0.25, "gross_share": 0.9}
#: Name, class, category, parameters.
CAST: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("ma", "ma_cross", "linear", {"symbol": "BTCUSDT", "interval": "5m", "fast": 5, "slow": 20, "short": True}),
    ("breakout", "donchian_breakout", "linear", {"symbol": "ETHUSDT", "interval": "5m", "short": True}),
    ("reversion", "rsi_reversion", "linear", {"symbol": "SOLUSDT", "interval": "5m", "oversold": 35.0}),
    ("squeeze", "squeeze", "linear", {"symbol": "BTCUSDT", "interval": "5m", "quiet": 2}),
    ("rotation", "momentum_rotation", "linear", {"symbols": "universe:liquid", "interval": "15m", "lookback": 8,
                                                 "top": 2, "every": 4}),
    ("pairs", "pairs", "linear", {"first": "ETHUSDT", "second": "BTCUSDT", "interval": "5m", "period": 60}),
    ("grid", "grid", "linear", {"symbol": "SOLUSDT", "interval": "5m", "levels": 5, "step": 0.3}),
    ("dca", "dca", "linear", {"symbol": "ETHUSDT", "interval": "15m", "every": 4, "profit": 0.5}),
    ("maker", "market_maker", "linear", {"symbol": "DOGEUSDT"}),
    ("carry", "funding_carry", "linear", {"symbol": "BTCUSDT", "interval": "15m"}),
    ("ai", "ai_trader", "linear", {"symbol": "ETHUSDT", "model": "follower-1", "short": True}),
    ("ema", "ema_cross", "linear", {"symbol": "BTCUSDT"}),
    ("hold", "buy_and_hold", "linear", {"symbol": "SOLUSDT"}),
)  # fmt: skip


def settings(folder: Path, backfill: int = 0) -> str:
    """Stepped settings with every strategy; limits that bind now and then, and losses that do not end the run."""
    lines = [
        "[trading]", 'mode = "sandbox"', "[sandbox]", "stepped = true", f'data = "{folder}"', f"backfill = {backfill}",
        "[risk]", "day_loss_share = 1", "drawdown_share = 1",
        *(f"{name} = {share}" for name, share in SHARES.items()),
        "[[universes]]", 'name = "liquid"', "max_members = 3", 'deny = ["DOGE*"]', "refresh_minutes = 60",
    ]  # fmt: skip
    for name, made, category, params in CAST:
        given = ", ".join(f"{key} = {json.dumps(value)}" for key, value in params.items())
        lines += [
            "[[strategies]]", f'name = "{name}"', f'class = "{made}"', f'category = "{category}"', "capital = 0.08",
            f"params = {{ {given} }}",
        ]  # fmt: skip
    return "\n".join(lines) + "\n"


def begin(directory: Path, folder: Path) -> DaemonProcess:
    """The daemon with its model, not started yet."""
    quiet_api(directory)
    return DaemonProcess(directory, settings(folder), "tests.sandbox.predicting_daemon")


def one_run(directory: Path, folder: Path, seconds: float, seed: str = "0") -> dict[str, Any]:
    """Run the folder to its end and judge everything; returns the figures."""
    from tradectl.model.money import use_exact_context

    use_exact_context()
    candles = candles_of(folder)
    first, last = min(times[0] for times in candles.values()), max(times[-1] for times in candles.values())
    daemon = begin(directory, folder)
    try:
        began = time.monotonic()
        ready = daemon.start("--predict", "ETHUSDT", env={"PYTHONHASHSEED": seed})
        assert ready["ok"], ready
        daemon.wait_for(lambda: daemon.venue().state()["ended"], seconds, "the end of the data")
        took = time.monotonic() - began
        figures = judge(daemon, first, last + 2 * MINUTE)
        count = sum(map(len, candles.values()))
        figures |= {"candles": count, "candles_per_second": round(count / took), "fingerprint": fingerprint(daemon)}
        assert daemon.stop() == 0, daemon.output()[-2000:]
        return figures | replayed(daemon)
    finally:
        daemon.end_everything()


def replayed(daemon: DaemonProcess, strategies: Path | None = None) -> dict[str, Any]:
    """The journal again through the engine: byte for byte the same."""
    from tradectl.daemon.replaying import replay_run

    report = replay_run(daemon.paths.state, "", strategies).report
    assert report.identical, report.differences
    return {"records": report.entries, "replay": "identical"}


def judge(daemon: DaemonProcess, start: int, end: int) -> dict[str, Any]:
    """What must hold at the end; fails with what does not."""
    found = assert_account_agrees(daemon, start, end)
    executions = found["executions"]
    _nobody_stopped(daemon)
    counts = daemon.venue().state()["create_counts"]
    assert set(counts.values()) <= {1}, "an orderLinkId was sent twice"
    equity = [(row["at"], Decimal(row["equity"])) for row in daemon.database(
        "select at, equity from equity where strategy = '' order by at")]  # fmt: skip
    assert not (above := over_limits(executions, equity, SHARES)), above[:5]
    profit_adds_up(daemon, found["books"])
    decisions = daemon.database("select strategy, accepted from decisions")
    return {
        "names": [name for name, *_ in CAST],
        "orders": daemon.database("select count(*) as n from orders")[0]["n"],
        "executions": len(executions),
        "funding_rows": sum(row["execType"] == "Funding" for row in executions),
        "decisions": len(decisions),
        "refused": sum(not row["accepted"] for row in decisions),
        "trades": dict(sorted(Counter(row["strategy"] for row in daemon.database(
            "select strategy from executions where type != 'Funding'")).items())),
        "cash": str(Decimal(found["books"].cash["USDT"].numerator) / found["books"].cash["USDT"].denominator),
    }  # fmt: skip


def _nobody_stopped(daemon: DaemonProcess) -> None:
    last = {row["name"]: row for row in daemon.database("select * from strategy_changes order by seq, n")}
    assert set(last) == {name for name, *_ in CAST}
    ill = {name: (row["status"], row["reason"]) for name, row in last.items() if row["status"] != "active"}
    assert not ill, ill


def profit_adds_up(daemon: DaemonProcess, books: Any) -> None:
    """The parts of the profit, as performance/ tells them, add up by every grouping and to the checker's cash."""
    from sqlalchemy import create_engine

    from tradectl.rpc import params
    from tradectl.storage.measured import Measured

    engine = create_engine(f"sqlite:///{daemon.paths.database}")
    measured = Measured(engine)
    totals = []
    for by in ("strategy", "symbol", "day", "week", "month"):
        told = measured.profit(params.ProfitBy(by=by))
        for field in ("realised", "price", "slippage", "fees", "funding", "net", "volume"):
            parts = sum((getattr(row, field) for row in told.profits), Decimal(0))
            assert parts == getattr(told.total, field), (by, field)
        totals.append(told.total)
        for row in [*told.profits, told.total]:
            assert row.net == row.price - row.slippage - row.fees - row.funding, row
    engine.dispose()
    assert len({str(total) for total in totals}) == 1
    funding = sum(books.funding.values(), Fraction(0))
    assert Fraction(totals[0].funding) == funding
    # Of perpetuals, cash is what was realised less fees and funding; spot is the rest of the movement.
    realised = sum((p.realised for p in books.positions.values()), Fraction(0))
    trades = daemon.database("select realised from executions where category = 'linear' and type != 'Funding'")
    ours = sum((Fraction(row["realised"]) for row in trades), Fraction(0))
    split = ours - realised
    assert split == _split_between_books(daemon), "the books' realised profit is not the venue's"


def _split_between_books(daemon: DaemonProcess) -> Fraction:
    """How much more the books realised than the net position did: exactly what their open costs differ by."""
    own = daemon.database("select cost, strategy from positions where category = 'linear'")
    books = sum((Fraction(row["cost"]) for row in own if row["strategy"]), Fraction(0))
    return books - sum((Fraction(row["cost"]) for row in own if not row["strategy"]), Fraction(0))


def main() -> int:
    """The full form, by hand."""
    parser = argparse.ArgumentParser(description="Every built-in strategy through the real daemon, stepped.")
    parser.add_argument("--bars", type=int, default=0, help="only the first so many minutes")
    parser.add_argument("--generated", action="store_true", help="not the recorded month")
    parser.add_argument("--twice", action="store_true", help="run it twice and compare")
    parser.add_argument("--keep", type=Path, help="folder to keep the state in")
    options = parser.parse_args()
    known = os.environ.get("TRADECTL_TEST_DATA", "")
    with tempfile.TemporaryDirectory() as scratch:
        root = options.keep or Path(scratch)
        if known and not options.generated:
            folder = real_market(root / "market", Path(known), options.bars)
        else:
            folder = generated_market(root / "market", options.bars or 43_200)
        prints = []
        for number in range(2 if options.twice else 1):
            figures = one_run(root / f"run{number}", folder, 3600, str(number))
            prints.append(figures["fingerprint"])
            print(json.dumps(figures, indent=2))
        assert len(set(prints)) == 1, "two runs differ"
    return 0


if __name__ == "__main__":
    sys.exit(main())
