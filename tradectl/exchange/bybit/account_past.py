"""The account's last weeks over REST, for a review: statement, executions, orders, positions, balances.

The statement (transaction log) is read first: it covers every product family, so that only families that were traded
are asked for executions and orders. Windows are cut so that no two share a millisecond (bybit-v5 3.2: 7 days at most).
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from msgspec import Struct

from tradectl.exchange.bybit.account_wire import FullLogPage, FullLogRow, MarkedExecutionPage, MarkedExecutionRow
from tradectl.exchange.bybit.order_rows import execution, order_report
from tradectl.exchange.bybit.pages import WEEK_MS, Page, rows
from tradectl.exchange.bybit.rest import Rest
from tradectl.exchange.bybit.translate import MS, balances, instrument_of, nanoseconds, position_report
from tradectl.exchange.bybit.wire import (
    BookMoment,
    FeePage,
    InstrumentPage,
    OrderPage,
    PositionPage,
    WalletPage,
)
from tradectl.exchange.retry_handler import ReadFailed
from tradectl.model.account_past import AccountPast, PastExecution, StatementRow
from tradectl.model.instruments import Category, FeeRate, Instrument, InstrumentId
from tradectl.model.money import amount_or_zero, parse_amount
from tradectl.model.orders import OrderReport, Side
from tradectl.model.positions import PositionReport

#: Families whose trades are reviewed; options stand in the statement alone.
REVIEWED = (Category.LINEAR, Category.SPOT, Category.INVERSE)
P = TypeVar("P", bound=Page)


class Step(Struct, frozen=True):
    """How far the reading is: ``done`` of ``total`` windows, and what is being read."""

    done: int
    total: int
    text: str


class AccountPastReader:
    """Reads through ``rest``; ``told`` hears of each window."""

    def __init__(self, rest: Rest, told: Callable[[Step], None] = lambda step: None) -> None:
        self._rest = rest
        self._told = told
        self._done = self._total = 0
        self._notes: list[str] = []
        self._instruments: dict[InstrumentId, Instrument] = {}

    async def now(self, wall: int) -> int:
        """Market time by a book, which a sandbox states truly; ``wall`` (nanoseconds) where there is none."""
        try:
            book = await self._rest.read("get_orderbook", BookMoment, category="linear", symbol="BTCUSDT", limit=1)
        except ReadFailed as failure:
            if failure.code != 10001:
                raise
            return wall
        return book.ts * MS

    async def read(self, uid: str, since: int, until: int) -> AccountPast:
        """Everything between two moments. Raises ``ReadFailed``; a row that makes no sense is one too."""
        self._done, self._total, self._notes = 0, len(_windows(since, until)), []
        try:
            statement = await self._statement(since, until)
            families = self._families(statement)
            self._total += len(families) * 2 * len(_windows(since, until))
            await self._load_instruments(families)
            executions = [it for family in families for it in await self._executions(family, since, until)]
            orders = [it for family in families for it in await self._orders(family, since, until)]
            positions = [it for family in families for it in await self._positions(family)]
            wallet = await self._rest.read("get_wallet_balance", WalletPage, accountType="UNIFIED")
            held = balances(wallet.list)
        except ValueError as error:
            raise ReadFailed(0, f"a row of the venue makes no sense: {error}", again=False) from error
        traded = {it.execution.instrument for it in executions} | {it.instrument for it in positions}
        fees = await self._fee_rates(sorted(traded))
        return AccountPast(
            uid=uid, since=since, until=until, orders=tuple(orders), statement=tuple(statement),
            executions=tuple(sorted(executions, key=lambda it: (it.execution.ts, it.execution.exec_id))),
            positions=tuple(positions), balances=held, fees=tuple(fees), notes=tuple(self._notes),
            instruments=tuple(self._instruments[it] for it in sorted(traded) if it in self._instruments),
        )  # fmt: skip

    def _families(self, statement: Sequence[StatementRow]) -> list[Category]:
        named = {row.category for row in statement}
        if Category.OPTION.value in named:
            self._notes.append("options were traded: they stand in the statement, not among the trades")
        # Linear is asked in any case: a position may be held without a movement.
        return [it for it in REVIEWED if it is Category.LINEAR or it.value in named]

    async def _statement(self, since: int, until: int) -> list[StatementRow]:
        found: list[FullLogRow] = await self._all(
            "statement", "get_transaction_log", FullLogPage, since, until, accountType="UNIFIED", limit=50
        )
        return [_statement_row(row) for row in dict.fromkeys(found)]

    async def _executions(self, family: Category, since: int, until: int) -> list[PastExecution]:
        found: list[MarkedExecutionRow] = await self._all(
            f"{family.value} executions", "get_executions", MarkedExecutionPage, since, until,
            category=family.value, limit=100,
        )  # fmt: skip
        return [
            PastExecution(execution(row, family, self._fee_coin), parse_amount(row.markPrice) or None)
            for row in {row.execId: row for row in found}.values()
        ]

    async def _orders(self, family: Category, since: int, until: int) -> list[OrderReport]:
        """Ended orders, and open ones: stops that wait."""
        found = await self._all(
            f"{family.value} orders", "get_order_history", OrderPage, since, until, category=family.value, limit=50
        )
        for scope in self._scopes(family):
            found += await rows(self._rest, "get_open_orders", OrderPage, limit=50, **scope)
        return [order_report(row, family) for row in {row.orderId: row for row in found}.values()]

    async def _positions(self, family: Category) -> list[PositionReport]:
        if family is Category.SPOT:
            return []
        found: list[Any] = []
        for scope in self._scopes(family):
            found += await rows(self._rest, "get_positions", PositionPage, limit=200, **scope)
        reports = [position_report(row, family) for row in found]
        return [it for it in reports if it.size]

    def _scopes(self, family: Category) -> list[dict[str, str]]:
        """Linear must be asked by settle coin (bybit-v5 5.5)."""
        if family is not Category.LINEAR:
            return [{"category": family.value}]
        coins = sorted({it.settle_coin for it in self._instruments.values() if it.id.category is family})
        return [{"category": family.value, "settleCoin": coin} for coin in coins]

    async def _all(
        self, text: str, method: str, shape: type[P], since: int, until: int, **parameters: Any
    ) -> list[Any]:
        """All rows, oldest first: lists come newest first, and what shares a millisecond keeps the venue's order."""
        found: list[Any] = []
        for start, end in _windows(since, until):
            self._told(Step(self._done, self._total, text))
            page = await rows(self._rest, method, shape, startTime=start, endTime=end, **parameters)
            found += reversed(page)
            self._done += 1
        return found

    async def _load_instruments(self, families: Sequence[Category]) -> None:
        """Those of today, and of derivatives those that are no longer traded."""
        for family in families:
            spot = family is Category.SPOT
            for status in (None,) if spot else ("Closed", None):
                for row in await rows(
                    self._rest, "get_instruments_info", InstrumentPage,
                    category=family.value, limit=None if spot else 1000, status=status,
                ):  # fmt: skip
                    try:
                        self._instruments[InstrumentId(family, row.symbol)] = instrument_of(row, family)
                    except ValueError as error:
                        self._notes.append(f"{family.value}:{row.symbol} is not usable: {error}")

    def _fee_coin(self, instrument: InstrumentId, side: Side, fee: Decimal, is_maker: bool) -> str:
        """The coin of a fee whose row names none (bybit-v5 9)."""
        known = self._instruments.get(instrument)
        if known is None:
            raise ValueError(f"{instrument} is not listed, so the coin of its fee is not known")
        if not known.is_spot:
            return known.settle_coin
        return known.base_coin if (side is Side.BUY) != (is_maker and fee < 0) else known.quote_coin

    async def _fee_rates(self, instruments: Sequence[InstrumentId]) -> list[FeeRate]:
        """Today's rates; an environment that does not tell them (demo, bybit-v5 1) costs a note."""
        found = []
        for it in instruments:
            try:
                page = await self._rest.read("get_fee_rates", FeePage, category=it.category.value, symbol=it.symbol)
            except ReadFailed as failure:
                self._notes.append(f"today's fee rates are not known: {failure.message}")
                break
            found += [
                FeeRate(it, amount_or_zero(row.makerFeeRate), amount_or_zero(row.takerFeeRate)) for row in page.list[:1]
            ]
        return found


def _windows(since: int, until: int) -> list[tuple[int, int]]:
    """Seven days each, in wire milliseconds, both ends included, no millisecond twice."""
    first, last = since // MS, until // MS
    return [(start, min(start + WEEK_MS - 1, last)) for start in range(first, last + 1, WEEK_MS)]


def _statement_row(row: FullLogRow) -> StatementRow:
    return StatementRow(
        row.id, row.type, row.currency, nanoseconds(row.transactionTime), amount_or_zero(row.change),
        parse_amount(row.cashBalance), amount_or_zero(row.cashFlow), amount_or_zero(row.funding),
        amount_or_zero(row.fee), row.category or "", row.symbol or "", row.tradeId or "",
    )  # fmt: skip
