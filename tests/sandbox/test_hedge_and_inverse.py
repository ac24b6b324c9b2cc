"""Both legs of a hedge and an inverse contract through the real daemon, in lock-step: the same money everywhere.

Two strategies hold opposite sides of BTCUSDT at once, one swings through zero on BTCUSD. Sandbox, database and the
independent checker agree to the last digit, per leg and per coin, and the books add up to the legs.
"""

import shutil
from fractions import Fraction
from pathlib import Path
from typing import Any

from tests.oracles import ledger_checker as checker
from tests.sandbox.agreement import FUNDS, wait_for_store
from tests.sandbox.daemon_process import DaemonProcess
from tests.sandbox.stepped_run import MINUTE, START, generated_candles, quiet_api, run_to_end
from tradectl.daemon.replaying import replay_run
from tradectl.model.money import use_exact_context

BARS = 1200
COINS = {
    ("linear", "BTCUSDT"): {"base": "BTC", "quote": "USDT", "settle": "USDT"},
    ("inverse", "BTCUSD"): {"base": "BTC", "quote": "USD", "settle": "BTC"},
}
SETTINGS = """
[trading]
mode = "sandbox"
[exchange]
position_mode = "hedge"
[sandbox]
stepped = true
data = "{folder}"
backfill = 0
[risk]
day_loss_share = 10
drawdown_share = 10
[[strategies]]
name = "long"
class = "swinger"
params = {{ side = 1, size = "0.013", every = 7 }}
[[strategies]]
name = "short"
class = "swinger"
params = {{ side = -1, size = "0.017", every = 9 }}
[[strategies]]
name = "coin"
class = "swinger"
category = "inverse"
params = {{ symbol = "BTCUSD", size = "701", every = 5, turns = true }}
"""


def market(folder: Path, bars: int) -> Path:
    """Candles of both contracts and the rates of their funding."""
    folder.mkdir()
    generated_candles(folder / "linear_BTCUSDT.csv.gz", bars, 7)
    generated_candles(folder / "inverse_BTCUSD.csv.gz", bars, 8)
    hours = [START + n * 8 * 60 * MINUTE for n in range(1, 4)]
    for symbol, rate in (("BTCUSDT", "0.00017"), ("BTCUSD", "-0.00023")):
        rows = "".join(f"{t},{rate}\n" for t in hours)
        (folder / f"funding_{symbol}.csv").write_text("timestamp,funding_rate\n" + rows)
    return folder


def executions_of(daemon: DaemonProcess, end: int) -> list[dict[str, Any]]:
    """Every execution by REST, a hedge leg's with its index: a fill's from its order, funding's from its side."""
    venue, found = daemon.venue(), []
    for category, symbol in COINS:
        orders = venue.rows("/v5/order/history", START, end, 50, category=category, symbol=symbol)
        leg_of = {row["orderId"]: row["positionIdx"] for row in orders}
        for row in venue.rows("/v5/execution/list", START, end, 100, category=category):
            idx = leg_of.get(row["orderId"], 0)
            if category == "linear" and row["execType"] == "Funding":
                idx = 1 if row["side"] == "Buy" else 2
            found.append(row | {"category": category, "positionIdx": idx})
    return found


def stored(daemon: DaemonProcess, symbol: str, books: bool) -> list[dict[str, Any]]:
    """The last state of the books, or of the positions at the venue, as the database has it."""
    sign = "!=" if books else "="
    rows = daemon.database(f"select * from positions where symbol = '{symbol}' and strategy {sign} ''")
    return [{k: row[k] for k in row.keys()} for row in rows]  # noqa: SIM118


def compare_positions(daemon: DaemonProcess, checked: checker.CheckedBooks) -> None:
    """Each leg at the venue, in the checker and in the database; and the books, which add up to them."""
    for category, symbol in COINS:
        legs = {str(row["position_idx"]): row for row in stored(daemon, symbol, books=False)}
        said = daemon.venue().get("/v5/position/list", category=category, symbol=symbol)["list"]
        assert {str(row["positionIdx"]) for row in said} == set(legs)
        for row in said:
            idx = str(row["positionIdx"])
            size = Fraction(row["size"]) * (-1 if row["side"] == "Sell" else 1)
            ours, theirs = legs[idx], checked.positions[(category, symbol) + ((idx,) if idx != "0" else ())]
            assert size == theirs.size == Fraction(ours["size"])
            assert theirs.cost == Fraction(ours["cost"])
            assert theirs.realised == Fraction(ours["realised"])
        books = stored(daemon, symbol, books=True)
        for field in ("size", "fees", "funding"):
            assert sum(Fraction(r[field]) for r in books) == sum(Fraction(r[field]) for r in legs.values()), field
        coin = COINS[category, symbol]["settle"]
        assert sum(Fraction(row["fees"]) for row in legs.values()) == checked.fees[coin]
        assert sum(Fraction(row["funding"]) for row in legs.values()) == checked.funding[coin]


def compare_cash(daemon: DaemonProcess, checked: checker.CheckedBooks) -> None:
    """Each coin, as the venue, the checker and the database have it."""
    ours = {row["coin"]: Fraction(row["wallet"]) for row in daemon.database("select * from balances")}
    account = daemon.venue().get("/v5/account/wallet-balance", accountType="UNIFIED")["list"][0]
    assert {coin["coin"] for coin in account["coin"]} == {"USDT", "BTC"}
    for coin in account["coin"]:
        assert Fraction(coin["walletBalance"]) == checked.cash[coin["coin"]] == ours[coin["coin"]], coin["coin"]


def test_books_of_a_hedge_and_of_coins_agree_to_the_last_digit(tmp_path: Path) -> None:
    use_exact_context()
    folder = market(tmp_path / "market", BARS)
    quiet_api(tmp_path)
    (tmp_path / "config" / "strategies").mkdir(parents=True)
    shutil.copy(Path(__file__).with_name("swinger.py"), tmp_path / "config" / "strategies" / "swinger.py")
    daemon = DaemonProcess(tmp_path, SETTINGS.format(folder=folder))
    try:
        ready = daemon.start()
        assert ready["ok"], ready
        run_to_end(daemon, BARS, 240)
        executions = executions_of(daemon, START + (BARS + 2) * MINUTE)
        wait_for_store(daemon, len(executions))
        names = {row["exec_id"] for row in daemon.database("select exec_id from executions")}
        assert names == {row["execId"] for row in executions}
        assert checker.problems(executions) == []
        deposits = [{"coin": coin, "amount": amount} for coin, amount in FUNDS.items()]
        checked = checker.recompute(executions, deposits, COINS)
        compare_positions(daemon, checked)
        compare_cash(daemon, checked)
        assert daemon.stop() == 0, daemon.output()[-2000:]
        report = replay_run(daemon.paths.state, "", tmp_path / "config" / "strategies").report
        assert report.identical, report.differences
    finally:
        daemon.end_everything()
    kinds = {(row["category"], row["positionIdx"], row["execType"]) for row in executions}
    assert kinds >= {("linear", 1, "Trade"), ("linear", 2, "Trade"), ("inverse", 0, "Trade")}
    assert kinds >= {("linear", 1, "Funding"), ("linear", 2, "Funding"), ("inverse", 0, "Funding")}
    assert len(executions) > 400
    assert all(position.realised for position in checked.positions.values())
