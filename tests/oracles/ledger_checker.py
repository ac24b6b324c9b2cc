"""The independent checker of the books: recomputes an account from its executions with ``Fraction`` alone.

It imports nothing of the package it checks. Input are plain rows as the wire has them (text numbers, bybit-v5 5.7):

- execution: ``category, symbol, side, execQty, execPrice, execValue, execFee, feeCurrency, execType, execTime, seq``,
  and where known ``feeRate, isMaker, execPnl`` and, of a hedge leg, ``positionIdx``. ``execType`` Funding moves its
  ``execFee`` (> 0 paid) and nothing else.
- deposit: ``coin, amount`` (negative for a withdrawal).
- coins: what each ``(category, symbol)`` trades, ``{"base": .., "quote": .., "settle": ..}``.

The rules: a linear position keeps its exact signed cost. A trade that adds moves no cash but the fee. A partial close
releases the same share of cost as of size; its profit is rounded half-even to eight decimals and what the rounding
left out stays in the cost. A full close is realised exactly. A trade through zero is a full close and an opening. An
inverse position is valued in coins, ``quantity / price`` half-even to eight decimals, with the opposite sign: a long
owes the coins of its dollars. Of a trade through zero the opening is worth what the closing leaves of the whole.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

Row = Mapping[str, Any]
Coins = Mapping[tuple[str, str], Mapping[str, str]]
STEP = 10**8


@dataclass
class CheckedPosition:
    """Signed size and cost in ``settle``, profit realised by closing (before fees), and the same trades as plain cash
    flow."""

    size: Fraction = Fraction(0)
    cost: Fraction = Fraction(0)
    realised: Fraction = Fraction(0)
    paid: Fraction = Fraction(0)  # signed value of everything ever traded
    inverse: bool = False
    settle: str = ""

    def value(self, qty: Fraction, price: Fraction) -> Fraction:
        """What holding signed ``qty`` at ``price`` is worth in the settle coin."""
        return -round8(qty / price) if self.inverse else qty * price

    def in_dollars(self, amount: Fraction, prices: Mapping[str, str]) -> Fraction:
        """An amount of the settle coin; those of linear contracts count 1."""
        return amount * Fraction(prices[self.settle]) if self.inverse else amount


@dataclass
class CheckedBooks:
    """An account: cash, fees and funding (> 0 paid) by coin, positions by ``(category, symbol)``, of a hedge
    leg by ``(category, symbol, idx)``, and what was put in."""

    cash: dict[str, Fraction] = field(default_factory=dict)
    fees: dict[str, Fraction] = field(default_factory=dict)
    funding: dict[str, Fraction] = field(default_factory=dict)
    deposited: dict[str, Fraction] = field(default_factory=dict)
    positions: dict[tuple[str, ...], CheckedPosition] = field(default_factory=dict)


def round8(value: Fraction) -> Fraction:
    """Half-even to eight decimals (``round`` of a Fraction is half-even)."""
    return Fraction(round(value * STEP), STEP)


def in_order(executions: Iterable[Row]) -> list[Row]:
    """Executions in the order they were booked: by time, match, and the taker's side of a match first."""
    return sorted(executions, key=lambda row: (int(row["execTime"]), int(row["seq"]), bool(row.get("isMaker", False))))


def recompute(executions: Iterable[Row], deposits: Iterable[Row], coins: Coins) -> CheckedBooks:
    """The books of one account from nothing but its executions and deposits."""
    books = CheckedBooks()
    for row in deposits:
        _add(books.cash, row["coin"], Fraction(row["amount"]))
        _add(books.deposited, row["coin"], Fraction(row["amount"]))
    for row in in_order(executions):
        _apply(books, row, coins[row["category"], row["symbol"]])
    return books


def realised_of(executions: Iterable[Row]) -> dict[str, Fraction]:
    """The profit of every derivative trade by ``execId``, before fees, in its settle coin."""
    positions: dict[tuple[str, ...], CheckedPosition] = {}
    result = {}
    for row in in_order(executions):
        if row["category"] in ("linear", "inverse") and row["execType"] != "Funding":
            position = positions.setdefault(_key(row), CheckedPosition(inverse=row["category"] == "inverse"))
            result[row["execId"]] = _trade(position, _signed(row), Fraction(row["execPrice"]))
    return result


def unrealised(
    books: CheckedBooks, marks: Mapping[tuple[str, str], str], prices: Mapping[str, str] | None = None
) -> Fraction:
    """Sum of value at mark less cost over all positions; ``prices`` of the coins inverse ones settle in."""
    total = Fraction(0)
    for key, position in books.positions.items():
        if position.size:
            profit = position.value(position.size, Fraction(marks[key[0], key[1]])) - position.cost
            total += position.in_dollars(profit, prices or {})
    return total


def equity(books: CheckedBooks, marks: Mapping[tuple[str, str], str], prices: Mapping[str, str]) -> Fraction:
    """Cash of all coins at ``prices`` plus the unrealised profit (settle coins count 1)."""
    cash = sum((amount * Fraction(prices.get(coin, "0")) for coin, amount in books.cash.items()), Fraction(0))
    return cash + unrealised(books, marks, prices)


def equity_by_cash_flow(
    books: CheckedBooks, marks: Mapping[tuple[str, str], str], prices: Mapping[str, str], coins: Coins
) -> Fraction:
    """The same equity without any cost rule: what was put in, less what was paid for what is still held at mark.

    Equal to :func:`equity` to the last digit exactly when the cost rule lost nothing.
    """
    total = Fraction(0)
    for coin, amount in books.cash.items():
        flow = amount - sum(
            (p.realised for key, p in books.positions.items() if coins[key[0], key[1]]["settle"] == coin), Fraction(0)
        )
        total += flow * Fraction(prices.get(coin, "0"))
    for key, position in books.positions.items():
        held = position.value(position.size, Fraction(marks[key[0], key[1]])) - position.paid
        total += position.in_dollars(held, prices)
    return total


def market_books(accounts: Iterable[CheckedBooks]) -> CheckedBooks:
    """The market as one more account: the other side of everything, so that all cash and fees add up to what was
    deposited and all sizes to nothing."""
    market = CheckedBooks()
    for books in accounts:
        for coin, amount in books.cash.items():
            _add(market.cash, coin, books.deposited.get(coin, Fraction(0)) - amount - books.fees.get(coin, Fraction(0)))
        for key, position in books.positions.items():
            mirror = market.positions.setdefault(key, CheckedPosition(inverse=position.inverse, settle=position.settle))
            mirror.size -= position.size
            mirror.paid -= position.paid
    return market


def problems(executions: Iterable[Row]) -> list[str]:
    """Rows that contradict themselves or each other: value, fee, and ids that occur twice."""
    found, seen = [], set()
    for row in executions:
        name = row["execId"]
        if name in seen:
            found.append(f"{name}: occurs twice")
        seen.add(name)
        price, qty = Fraction(row["execPrice"]), Fraction(row["execQty"])
        inverse = row["category"] == "inverse"
        value = round8(qty / price) if inverse else price * qty
        if value != Fraction(row["execValue"]):
            found.append(f"{name}: value {row['execValue']} is not price {'under' if inverse else 'x'} quantity")
        if row.get("feeRate") not in (None, "") and Fraction(row["execFee"]) != round8(_fee_base(row, value)):
            found.append(f"{name}: fee {row['execFee']} is not the rate of its base")
    return found


def _fee_base(row: Row, value: Fraction) -> Fraction:
    rate = Fraction(row["feeRate"])
    in_base = row["category"] == "spot" and (row["side"] == "Buy") == (rate >= 0)
    return rate * (Fraction(row["execQty"]) if in_base else value)


def _apply(books: CheckedBooks, row: Row, coins: Mapping[str, str]) -> None:
    fee = Fraction(row["execFee"])
    if row["execType"] == "Funding":
        _add(books.cash, row["feeCurrency"], -fee)
        _add(books.funding, row["feeCurrency"], fee)
        return
    _add(books.cash, row["feeCurrency"], -fee)
    _add(books.fees, row["feeCurrency"], fee)
    if row["category"] == "spot":
        _add(books.cash, coins["base"], _signed(row))
        _add(books.cash, coins["quote"], -_signed(row) * Fraction(row["execPrice"]))
        return
    inverse = row["category"] == "inverse"
    position = books.positions.setdefault(_key(row), CheckedPosition(inverse=inverse, settle=coins["settle"]))
    _add(books.cash, coins["settle"], _trade(position, _signed(row), Fraction(row["execPrice"])))


def _trade(position: CheckedPosition, qty: Fraction, price: Fraction) -> Fraction:
    """Trade on a position; the profit it realised."""
    value, profit = position.value(qty, price), Fraction(0)
    position.paid += value
    if position.size * qty < 0:
        closing = qty if abs(qty) <= abs(position.size) else -position.size
        released = position.cost * -closing / position.size
        closed = position.value(closing, price)
        profit = -closed - released
        if abs(closing) < abs(position.size):
            profit = round8(profit)
        position.cost += closed + profit
        position.size += closing
        position.realised += profit
        qty, value = qty - closing, value - closed
    position.size += qty
    position.cost += value
    return profit


def _key(row: Row) -> tuple[str, ...]:
    idx = str(row.get("positionIdx", 0))
    return (row["category"], row["symbol"]) if idx == "0" else (row["category"], row["symbol"], idx)


def _signed(row: Row) -> Fraction:
    return Fraction(row["execQty"]) if row["side"] == "Buy" else -Fraction(row["execQty"])


def _add(amounts: dict[str, Fraction], coin: str, amount: Fraction) -> None:
    amounts[coin] = amounts.get(coin, Fraction(0)) + amount
