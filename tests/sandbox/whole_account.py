"""An account of many symbols: sandbox, database and the independent checker, to the last digit.

The checker recomputes everything from the executions the sandbox reports over its ordinary endpoint.
"""

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tests.oracles import ledger_checker as checker
from tests.sandbox.agreement import FUNDS, wait_for_store
from tests.sandbox.daemon_process import DaemonProcess

CATEGORIES = ("linear", "spot")


def coins_of(symbols: Iterable[str]) -> dict[tuple[str, str], dict[str, str]]:
    """What each USDT symbol trades, in both categories."""
    return {
        (category, symbol): {"base": symbol.removesuffix("USDT"), "quote": "USDT", "settle": "USDT"}
        for symbol in symbols
        for category in CATEGORIES
    }


def executions_of(daemon: DaemonProcess, start: int, end: int) -> list[dict[str, Any]]:
    """What the sandbox reports, oldest first, with the category filled in."""
    rows: list[dict[str, Any]] = []
    for category in CATEGORIES:
        found = daemon.venue().rows("/v5/execution/list", start, end, 100, category=category)
        rows += [row | {"category": category} for row in found]
    return checker.in_order(rows)


def assert_account_agrees(daemon: DaemonProcess, start: int, end: int) -> dict[str, Any]:
    """Compare the three; returns counts and the checked books for further questions."""
    executions = executions_of(daemon, start, end)
    ids = [row["execId"] for row in executions]
    assert len(ids) == len(set(ids)), "the sandbox reports an execution twice"
    assert not checker.problems(executions)
    wait_for_store(daemon, len(ids))
    _same_executions(daemon, executions)
    deposits = [{"coin": coin, "amount": amount} for coin, amount in FUNDS.items()]
    books = checker.recompute(executions, deposits, coins_of({row["symbol"] for row in executions}))
    _same_cash(daemon, books)
    _same_positions(daemon, books)
    _books_add_up(daemon)
    return {"executions": executions, "books": books}


def _same_executions(daemon: DaemonProcess, executions: list[dict[str, Any]]) -> None:
    stored = {row["exec_id"]: row for row in daemon.database("select * from executions")}
    assert set(stored) == {row["execId"] for row in executions}
    for row in executions:
        mine = stored[row["execId"]]
        for ours, theirs in (("qty", "execQty"), ("price", "execPrice"), ("fee", "execFee"), ("value", "execValue")):
            assert Decimal(mine[ours]) == Decimal(row[theirs]), (ours, row)
        assert (mine["category"], mine["symbol"], mine["side"]) == (row["category"], row["symbol"], row["side"])


def _same_cash(daemon: DaemonProcess, books: checker.CheckedBooks) -> None:
    account = daemon.venue().get("/v5/account/wallet-balance", accountType="UNIFIED")["list"][0]
    venue = {coin["coin"]: Fraction(coin["walletBalance"]) for coin in account["coin"]}
    ours = {row["coin"]: Fraction(row["wallet"]) for row in daemon.database("select * from balances")}
    for coin, amount in books.cash.items():
        assert venue.get(coin, Fraction(0)) == amount, f"{coin}: sandbox {venue.get(coin)} checker {amount}"
        assert ours.get(coin, Fraction(0)) == amount, f"{coin}: daemon {ours.get(coin)} checker {amount}"


def _same_positions(daemon: DaemonProcess, books: checker.CheckedBooks) -> None:
    nets = {row["symbol"]: row for row in daemon.database(
        "select * from positions where strategy = '' and category = 'linear'")}  # fmt: skip
    listed = daemon.venue().get("/v5/position/list", category="linear", settleCoin="USDT", limit=200)["list"]
    venue = {row["symbol"]: Fraction(row["size"]) * (-1 if row["side"] == "Sell" else 1) for row in listed}
    for (category, symbol, *_), checked in books.positions.items():
        assert category == "linear"
        assert venue.get(symbol, Fraction(0)) == checked.size, symbol
        assert Fraction(nets[symbol]["size"]) == checked.size, symbol
        assert Fraction(nets[symbol]["cost"]) == checked.cost, symbol


def _books_add_up(daemon: DaemonProcess) -> None:
    """The strategies' books of each instrument sum to the net one."""
    nets = daemon.database("select * from positions where strategy = ''")
    assert nets
    for net in nets:
        own = daemon.database(
            f"select * from positions where strategy != '' and symbol = '{net['symbol']}' "
            f"and category = '{net['category']}'"
        )
        for field in ("size", "fees", "funding"):
            total = sum((Fraction(row[field]) for row in own), Fraction(0))
            assert total == Fraction(net[field]), f"{net['symbol']} {field}: books {total} net {net[field]}"


def over_limits(executions: list[dict[str, Any]], equity: list[tuple[int, Decimal]], shares: dict[str, float],
                slack: float = 0.01) -> list[str]:  # fmt: skip
    """Entries after which a perpetual's position or the sum of all stood above its limit at the prices traded.

    ``equity`` are (nanoseconds, amount); ``slack`` is what prices may move between verdict and fill.
    """
    sizes: dict[str, Decimal] = {}
    prices: dict[str, Decimal] = {}
    found = []
    for row in executions:
        if row["category"] != "linear" or row["execType"] == "Funding":
            continue
        symbol, sign = row["symbol"], 1 if row["side"] == "Buy" else -1
        before = sizes.get(symbol, Decimal(0))
        sizes[symbol] = before + sign * Decimal(row["execQty"])
        prices[symbol] = Decimal(row["execPrice"])
        if abs(sizes[symbol]) <= abs(before):
            continue
        now = max(int(row["execTime"]) * 10**6, equity[0][0])
        has = next(amount for at, amount in reversed(equity) if at <= now)
        position = abs(sizes[symbol]) * prices[symbol] / has
        gross = sum(abs(size) * prices[name] for name, size in sizes.items()) / has
        for what, share in (("position_share", position), ("gross_share", gross)):
            if float(share) > shares[what] * (1 + slack):
                found.append(f"{row['execTime']} {symbol}: {what} {share:.4f} above {shares[what]}")
    return found
