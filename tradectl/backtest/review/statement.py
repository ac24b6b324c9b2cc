"""The venue's statement summed coin by coin, exactly: what moved each balance, and what is left unexplained."""

from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct

from tradectl.model.account_past import AccountPast, StatementRow
from tradectl.model.instruments import Category
from tradectl.model.money import ZERO
from tradectl.model.positions import BalanceReport

#: Rows of executions (bybit-v5 7.3): their parts are counted, not their sum.
TRADING = frozenset({"TRADE", "SETTLEMENT", "LIQUIDATION", "ADL", "DELIVERY"})
TRANSFERS = frozenset({"TRANSFER_IN", "TRANSFER_OUT"})


class CoinStatement(Struct, frozen=True, kw_only=True):
    """One coin: ``opening + realised + spot - fees + funding + transfers + other + unexplained = closing``.

    ``realised`` is of derivatives, before fees; ``funding`` > 0 was received; ``other`` by the venue's word for it.
    ``unexplained`` is what the rows' own parts do not add up to, plus what balances moved without a row. ``wallet`` is
    today's balance, ``None`` where the venue did not tell.
    """

    coin: str
    opening: Decimal
    realised: Decimal
    spot: Decimal
    fees: Decimal
    funding: Decimal
    transfers: Decimal
    other: dict[str, Decimal]
    unexplained: Decimal
    closing: Decimal
    wallet: Decimal | None
    rows: int

    @property
    def change(self) -> Decimal:
        """What the balance gained."""
        return self.closing - self.opening

    @property
    def earned(self) -> Decimal:
        """What trading derivatives brought after all costs."""
        return self.realised - self.fees + self.funding


class Matched(Struct, frozen=True, kw_only=True):
    """Executions beside statement rows. ``fees`` and ``funding``: executions minus statement, by coin, where not 0."""

    executions: int
    without_row: int
    rows_without_execution: int
    fees: dict[str, Decimal]
    funding: dict[str, Decimal]

    @property
    def whole(self) -> bool:
        """Whether everything agrees to the last digit."""
        return not (self.without_row or self.rows_without_execution or self.fees or self.funding)


def statements(past: AccountPast) -> tuple[CoinStatement, ...]:
    """Every coin that moved, the busiest first."""
    by_coin: dict[str, list[StatementRow]] = {}
    for row in past.statement:
        by_coin.setdefault(row.coin, []).append(row)
    wallets = {it.coin: it for it in past.balances}
    found = [_coin(coin, rows, wallets.get(coin)) for coin, rows in by_coin.items()]
    return tuple(sorted(found, key=lambda it: (-it.rows, it.coin)))


def _coin(coin: str, rows: list[StatementRow], wallet: BalanceReport | None) -> CoinStatement:
    traded = [it for it in rows if it.type in TRADING]
    spot = [it for it in traded if it.category == Category.SPOT.value]
    other: dict[str, Decimal] = {}
    for row in rows:
        if row.type not in TRADING | TRANSFERS:
            other[row.type] = other.get(row.type, ZERO) + row.change
    told = [it for it in rows if it.balance is not None]
    opening = (told[0].balance or ZERO) - told[0].change if told else ZERO
    closing = (told[-1].balance or ZERO) if told else sum((it.change for it in rows), ZERO)
    parts = {
        "realised": _sum(it.cash_flow for it in traded if it.category != Category.SPOT.value),
        "spot": _sum(it.cash_flow for it in spot), "fees": _sum(it.fee for it in traded),
        "funding": _sum(it.funding for it in traded),
        "transfers": _sum(it.change for it in rows if it.type in TRANSFERS),
    }  # fmt: skip
    said = parts["realised"] + parts["spot"] - parts["fees"] + parts["funding"] + parts["transfers"]
    return CoinStatement(
        coin=coin, opening=opening, closing=closing, **parts, other=other, rows=len(rows),
        unexplained=closing - opening - said - _sum(other.values()), wallet=wallet.wallet if wallet else None,
    )  # fmt: skip


def matched(past: AccountPast) -> Matched:
    """Whether executions and statement tell the same story, of the families whose executions were read."""
    known = {it.execution.exec_id for it in past.executions}
    families = {it.value for it in (Category.LINEAR, Category.SPOT, Category.INVERSE)}
    rows = [it for it in past.statement if it.type in TRADING and it.category in families]
    told = {it.trade_id for it in rows}
    fees: dict[str, Decimal] = {}
    funding: dict[str, Decimal] = {}
    for it in past.executions:
        kind = funding if it.execution.type == "Funding" else fees
        kind[it.execution.fee_coin] = kind.get(it.execution.fee_coin, ZERO) + it.execution.fee
    for row in rows:
        fees[row.coin] = fees.get(row.coin, ZERO) - row.fee
        funding[row.coin] = funding.get(row.coin, ZERO) + row.funding
    return Matched(
        executions=len(known), without_row=len(known - told),
        rows_without_execution=sum(it.trade_id not in known for it in rows),
        fees={coin: left for coin, left in fees.items() if left},
        funding={coin: left for coin, left in funding.items() if left},
    )  # fmt: skip


def _sum(values: Iterable[Decimal]) -> Decimal:
    return sum(values, ZERO)
