"""Balances and positions: per-strategy books over one account, built from executions alone (decisions 12, 13, 16).

Wallet and position messages of the venue are assertions to compare with, never copied, but for the first baseline.
"""

from decimal import Decimal

from msgspec import Struct, field
from msgspec.structs import replace

from tradectl.engine.books import Book
from tradectl.engine.recent_trades import RecentTrades, Trade
from tradectl.model.instruments import Instrument, InstrumentId
from tradectl.model.money import ZERO, to_coin
from tradectl.model.orders import Execution
from tradectl.model.positions import BalanceReport, LedgerRow, PositionReport

#: The book of what is not ours: positions found at the start, manual trades, liquidations without a parent.
EXTERNAL = "external"
#: Execution ids are remembered this long (nanoseconds): longer than any re-read reaches back.
_REMEMBER = 8 * 86_400 * 10**9


class PortfolioState(Struct):
    """Everything the portfolio manager remembers. Books are keyed ``strategy|category:symbol``, nets without."""

    baselined: bool = False
    cash: dict[str, Decimal] = field(default_factory=dict)
    nets: dict[InstrumentId, Book] = field(default_factory=dict)
    books: dict[str, dict[InstrumentId, Book]] = field(default_factory=dict)
    executions: dict[str, int] = field(default_factory=dict)
    ledger: dict[str, int] = field(default_factory=dict)
    last_execution: int = 0
    trades: dict[str, int] = field(default_factory=dict)
    recent: dict[InstrumentId, RecentTrades] = field(default_factory=dict)


class Booked(Struct, frozen=True):
    """What one execution did: the profit realised in its book and the book afterwards."""

    strategy: str
    realised: Decimal
    size: Decimal


class PortfolioManager:
    """Exact books. Every amount enters once, by execution id or ledger id."""

    def __init__(self) -> None:
        self.state = PortfolioState()

    # --- what enters

    def baseline(
        self, balances: tuple[BalanceReport, ...], positions: tuple[PositionReport, ...], known: tuple[Execution, ...],
        ledger: tuple[LedgerRow, ...],
    ) -> None:  # fmt: skip
        """Begin on an account as it is: its cash is ours to count, its positions go to the book ``external``."""
        self.state.cash = {b.coin: b.wallet for b in balances}
        for report in positions:
            if report.size and report.avg_price is not None:
                for book in (self.net(report.instrument), self.book(EXTERNAL, report.instrument)):
                    book.size, book.cost = report.size, report.size * report.avg_price
                    book.cash_flow = -book.cost
        for execution in known:
            self.remember(execution)
        for row in ledger:
            self.state.ledger[row.id] = row.ts
        self.state.baselined = True

    def remember(self, execution: Execution) -> bool:
        """Note an execution id; returns whether it was new."""
        if execution.exec_id in self.state.executions:
            return False
        self.state.executions[execution.exec_id] = execution.ts
        self.state.last_execution = max(self.state.last_execution, execution.ts)
        return True

    def trade(self, execution: Execution, instrument: Instrument, strategy: str) -> Booked:
        """Book a fill that :meth:`remember` called new."""
        self.state.trades[strategy] = self.state.trades.get(strategy, 0) + 1
        book, net = self.book(strategy, instrument.id), self.net(instrument.id)
        sign = execution.side.sign
        qty = execution.qty
        if instrument.is_spot:
            return self._spot(execution, instrument, book, net, strategy)
        self._net_trade(execution, instrument, net)
        own = book.trade(sign, qty, execution.price)
        book.fees += execution.fee
        return Booked(strategy, own, book.size)

    def _net_trade(self, execution: Execution, instrument: Instrument, net: Book) -> None:
        """A derivative's fill in the position at the venue and in the cash."""
        recent = self.state.recent.get(instrument.id)
        if recent is None:
            recent = self.state.recent[instrument.id] = RecentTrades(replace(net))
        trade = Trade(execution.ts, execution.side.sign, execution.qty, execution.price, execution.pnl)
        realised = recent.book(trade, net)
        net.fees += execution.fee
        self._pay(instrument.settle_coin, realised)
        self._pay(execution.fee_coin or instrument.settle_coin, -execution.fee)

    def trade_shared(self, execution: Execution, instrument: Instrument, parts: dict[str, Decimal]) -> list[Booked]:
        """Book a derivative's fill that closes what several books hold: the position once, each book its part.

        ``parts`` add up to the fill's quantity; fees go by them, the remainder of the rounding to the largest.
        """
        self._net_trade(execution, instrument, self.net(instrument.id))
        fees = {name: to_coin(execution.fee * part / execution.qty) for name, part in parts.items()}
        fees[max(parts, key=lambda n: (parts[n], n))] += execution.fee - sum(fees.values(), ZERO)
        booked = []
        for name, part in parts.items():
            self.state.trades[name] = self.state.trades.get(name, 0) + 1
            book = self.book(name, instrument.id)
            own = book.trade(execution.side.sign, part, execution.price)
            book.fees += fees[name]
            booked.append(Booked(name, own, book.size))
        return booked

    def _spot(self, execution: Execution, instrument: Instrument, book: Book, net: Book, strategy: str) -> Booked:
        sign, qty = execution.side.sign, execution.qty
        net.trade(sign, qty, execution.price)
        own = book.trade(sign, qty, execution.price)
        in_base = execution.fee_coin == instrument.base_coin or (not execution.fee_coin and sign > 0)
        for each in (book, net):
            if in_base:  # the fee is paid out of what was bought: size shrinks, its cost stays
                each.size -= execution.fee
            else:
                each.fees += execution.fee
        self._pay(instrument.base_coin, sign * qty)
        self._pay(instrument.quote_coin, -sign * execution.value)
        self._pay(execution.fee_coin or (instrument.base_coin if sign > 0 else instrument.quote_coin), -execution.fee)
        return Booked(strategy, own, book.size)

    def funding(self, execution: Execution, instrument: Instrument) -> list[Booked]:
        """Book a funding payment (``fee`` > 0 paid), shared over the books by their size, to the last digit."""
        net = self.net(instrument.id)
        net.funding += execution.fee
        self._pay(instrument.settle_coin, -execution.fee)
        shares = self._shares(execution, instrument.id)
        for name, amount in shares.items():
            self.book(name, instrument.id).funding += amount
        return [Booked(name, -amount, self.book(name, instrument.id).size) for name, amount in shares.items()]

    def _shares(self, execution: Execution, instrument: InstrumentId) -> dict[str, Decimal]:
        sizes = {n: b[instrument].size for n, b in self.state.books.items() if instrument in b and b[instrument].size}
        total = sum(sizes.values(), ZERO)
        if not total:
            return {EXTERNAL: execution.fee}
        shares = {n: to_coin(execution.fee * size / total) for n, size in sizes.items()}
        biggest = max(sizes, key=lambda n: (abs(sizes[n]), n))
        shares[biggest] += execution.fee - sum(shares.values(), ZERO)
        return shares

    def ledger(self, row: LedgerRow) -> bool:
        """Book a transfer, bonus or interest; returns whether it was new."""
        if row.id in self.state.ledger:
            return False
        self.state.ledger[row.id] = row.ts
        self._pay(row.coin, row.change)
        return True

    def adopt(self, instrument: InstrumentId, strategy: str) -> Decimal:
        """Hand the foreign position to a strategy's book; returns the size that moved."""
        source, target = self.book(EXTERNAL, instrument), self.book(strategy, instrument)
        moved = source.size
        target.merge(source)
        self.state.books[EXTERNAL][instrument] = Book()
        return moved

    def forget_old(self) -> None:
        """Drop ids that no re-read can bring back."""
        horizon = self.state.last_execution - _REMEMBER
        for ids in (self.state.executions, self.state.ledger):
            for key in [k for k, ts in ids.items() if ts < horizon]:
                del ids[key]

    def _pay(self, coin: str, amount: Decimal) -> None:
        if amount:
            self.state.cash[coin] = self.state.cash.get(coin, ZERO) + amount

    # --- what can be asked

    def net(self, instrument: InstrumentId) -> Book:
        """The position at the venue."""
        return self.state.nets.setdefault(instrument, Book())

    def book(self, strategy: str, instrument: InstrumentId) -> Book:
        """One strategy's part of it."""
        return self.state.books.setdefault(strategy, {}).setdefault(instrument, Book())

    def size(self, strategy: str, instrument: InstrumentId) -> Decimal:
        """Size of a book, without making one."""
        book = self.state.books.get(strategy, {}).get(instrument)
        return book.size if book is not None else ZERO

    def net_size(self, instrument: InstrumentId) -> Decimal:
        """Size at the venue, without making a book."""
        net = self.state.nets.get(instrument)
        return net.size if net is not None else ZERO

    def disagreements(
        self, balances: tuple[BalanceReport, ...], positions: tuple[PositionReport, ...], tolerance: Decimal
    ) -> list[str]:
        """Where the venue's statement differs from the books, in words; sizes must be equal, cash within tolerance."""
        wrong = []
        stated = {p.instrument: p.size for p in positions}
        for instrument, net in self.state.nets.items():
            if instrument.category.value != "spot":
                stated.setdefault(instrument, ZERO)
                if stated[instrument] != net.size:
                    wrong.append(f"{instrument} is {stated[instrument]} at the venue, {net.size} in the books")
        wrong += [
            f"{instrument} is {size} at the venue, unknown to the books"
            for instrument, size in stated.items()
            if size and instrument not in self.state.nets
        ]
        for balance in balances:
            ours = self.state.cash.get(balance.coin, ZERO)
            if abs(balance.wallet - ours) > tolerance:
                wrong.append(f"{balance.coin} is {balance.wallet} at the venue, {ours} in the books")
        return wrong
