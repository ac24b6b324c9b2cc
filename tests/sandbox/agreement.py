"""Sandbox, database and the independent checker: the same executions, the same money, to the last digit."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from tests.oracles import ledger_checker as checker
from tests.sandbox.daemon_process import DaemonProcess

COINS = {("linear", "BTCUSDT"): {"base": "BTC", "quote": "USDT", "settle": "USDT"}}
FUNDS = {"USDT": "100000", "BTC": "1"}


def executions_of(daemon: DaemonProcess, start: int, end: int) -> list[dict[str, Any]]:
    """What the sandbox reports over its ordinary REST endpoint, oldest first, with the category filled in."""
    rows = daemon.venue().rows("/v5/execution/list", start, end, 100, category="linear")
    return [row | {"category": "linear"} for row in rows]


def assert_agreement(
    daemon: DaemonProcess, start: int, end: int, funds: dict[str, str] | None = None
) -> dict[str, Any]:
    """Compare the three; returns counts and figures for the report."""
    venue = daemon.venue()
    executions = executions_of(daemon, start, end)
    ids = [row["execId"] for row in executions]
    assert len(ids) == len(set(ids)), "the sandbox reports an execution twice"
    wait_for_store(daemon, len(ids))
    stored = {row["exec_id"]: row for row in daemon.database("select * from executions")}
    count = daemon.database("select count(*) as n from executions")[0]["n"]
    assert count == len(stored), "an execution is in the database twice"
    assert set(stored) == set(ids), f"executions differ: {set(stored) ^ set(ids)}"
    for row in executions:
        mine = stored[row["execId"]]
        assert Decimal(mine["qty"]) == Decimal(row["execQty"]), row
        assert Decimal(mine["price"]) == Decimal(row["execPrice"]), row
        assert Decimal(mine["fee"]) == Decimal(row["execFee"]), row
    deposits = [{"coin": coin, "amount": amount} for coin, amount in (funds or FUNDS).items()]
    books = checker.recompute(executions, deposits, COINS)
    _compare_cash(daemon, venue, books)
    position = _compare_position(daemon, venue, books)
    _compare_ledger(venue, start, end, books)
    return {
        "executions": len(ids),
        "orders": daemon.database("select count(*) as n from orders")[0]["n"],
        "funding_rows": sum(row["execType"] == "Funding" for row in executions),
        "cash": str(books.cash["USDT"].limit_denominator(10**12)),
        "position": position,
    }


def wait_for_store(daemon: DaemonProcess, wanted: int) -> None:
    """Until the projection has caught up."""

    def there() -> bool:
        try:
            return bool(daemon.database("select count(*) as n from executions")[0]["n"] >= wanted)
        except Exception:  # noqa: BLE001 - the store may not have made its tables yet
            return wanted == 0

    daemon.wait_for(there, 60, f"{wanted} executions in the database")


def _compare_cash(daemon: DaemonProcess, venue: Any, books: checker.CheckedBooks) -> None:
    account = venue.get("/v5/account/wallet-balance", accountType="UNIFIED")["list"][0]
    ours = {row["coin"]: Fraction(row["wallet"]) for row in daemon.database("select * from balances")}
    for coin in account["coin"]:
        venue_cash = Fraction(coin["walletBalance"])
        assert venue_cash == books.cash[coin["coin"]], f"{coin['coin']}: sandbox {venue_cash} checker {books.cash}"
        assert ours[coin["coin"]] == venue_cash, f"{coin['coin']}: daemon {ours[coin['coin']]} sandbox {venue_cash}"


def _compare_position(daemon: DaemonProcess, venue: Any, books: checker.CheckedBooks) -> str:
    row = venue.get("/v5/position/list", category="linear", symbol="BTCUSDT")["list"][0]
    size = Fraction(row["size"]) * (-1 if row["side"] == "Sell" else 1)
    checked = books.positions.get(("linear", "BTCUSDT"), checker.CheckedPosition())
    assert size == checked.size
    ours = daemon.database("select * from positions where strategy = '' and symbol = 'BTCUSDT' and category = 'linear'")
    if ours:
        assert Fraction(ours[0]["size"]) == size
        assert Fraction(ours[0]["cost"]) == checked.cost
        fees = books.fees.get("USDT", Fraction(0))
        assert Fraction(ours[0]["fees"]) == fees, f"fees: daemon {ours[0]['fees']} checker {fees}"
        assert Fraction(ours[0]["funding"]) == books.funding.get("USDT", Fraction(0))
        _compare_books(daemon, ours[0])
    else:
        assert size == 0
    return str(row["size"])


def _compare_books(daemon: DaemonProcess, net: Any) -> None:
    own = daemon.database("select * from positions where strategy != '' and symbol = 'BTCUSDT' and category = 'linear'")
    for field in ("size", "fees", "funding"):
        total = sum((Fraction(row[field]) for row in own), Fraction(0))
        assert total == Fraction(net[field]), f"{field}: books {total} net {net[field]}"


def _compare_ledger(venue: Any, start: int, end: int, books: checker.CheckedBooks) -> None:
    rows = venue.rows("/v5/account/transaction-log", start, end, 50, accountType="UNIFIED", category="linear")
    changes = sum((Fraction(row["change"]) for row in rows if row["type"] in ("TRADE", "SETTLEMENT")), Fraction(0))
    assert books.deposited["USDT"] + changes == books.cash["USDT"], "the ledger's changes do not add up to the cash"
