"""Balances and positions: per-strategy books over one account, built from executions alone (decisions 12, 13, 16).

Wallet and position messages of the venue are assertions to compare with, never copied, but for the first baseline.
"""

from collections.abc import Iterator
from decimal import Decimal

from tradectl.engine.books import Book
from tradectl.engine.funding_booking import FundingBooking
from tradectl.engine.holdings import VENUE, Holdings
from tradectl.engine.legs import LONG, SHORT, side_of
from tradectl.engine.portfolio_state import EXTERNAL, Booked, PortfolioState
from tradectl.engine.trade_booking import TradeBooking
from tradectl.model.instruments import Instrument, InstrumentId
from tradectl.model.money import ZERO
from tradectl.model.orders import Execution
from tradectl.model.positions import BalanceReport, LedgerRow, PositionReport

#: Execution ids are remembered this long (nanoseconds): longer than any re-read reaches back.
_REMEMBER = 8 * 86_400 * 10**9


class PortfolioManager:
    """Exact books. Every amount enters once, by execution id or ledger id. ``hedge``: the account holds long and short
    of one symbol apart where the venue can."""

    def __init__(self, hedge: bool = False) -> None:
        self._holdings = Holdings(hedge)
        self._trades = TradeBooking(self._holdings)
        self._funding = FundingBooking(self._holdings)
        #: See :meth:`TradeBooking.single`.
        self.single = self._trades.single
        #: Whether long and short of an instrument are held apart.
        self.is_hedged = self._holdings.is_hedged
        #: Size of a book by strategy and instrument, without making one.
        self.size = self._holdings.size

    @property
    def state(self) -> PortfolioState:
        """All that is remembered."""
        return self._holdings.state

    @state.setter
    def state(self, state: PortfolioState) -> None:
        self._holdings.state = state

    # --- what enters

    def baseline(
        self, balances: tuple[BalanceReport, ...], positions: tuple[PositionReport, ...], known: tuple[Execution, ...],
        ledger: tuple[LedgerRow, ...],
    ) -> None:  # fmt: skip
        """Begin on an account as it is: its cash is ours to count, its positions go to the book ``external``."""
        self.state.cash = {b.coin: b.wallet for b in balances}
        for report in positions:
            if report.size and report.avg_price is not None:
                self._found(report, report.avg_price)
        for execution in known:
            self.remember(execution)
        for row in ledger:
            self.state.ledger[row.id] = row.ts
        self.state.baselined = True

    def _found(self, report: PositionReport, price: Decimal) -> None:
        hedged = self.is_hedged(report.instrument)
        idx = (report.position_idx or (LONG if report.size > 0 else SHORT)) if hedged else 0
        for name in (VENUE, EXTERNAL):
            book = self._holdings.place(name, report.instrument, idx)
            worth = book.worth(report.size, price)
            book.size, book.cost, book.cash_flow = book.size + report.size, book.cost + worth, book.cash_flow - worth
            self._holdings.sum_up(name, report.instrument)

    def remember(self, execution: Execution) -> bool:
        """Note an execution id; returns whether it was new."""
        state = self._holdings.state
        if execution.exec_id in state.executions:
            return False
        state.executions[execution.exec_id] = execution.ts
        if execution.ts > state.last_execution:
            state.last_execution = execution.ts
        return True

    def trade(
        self, execution: Execution, instrument: Instrument, strategy: str, idx: int = 0,
        arrival: Decimal | None = None, fee_price: Decimal | None = None,
    ) -> Booked:  # fmt: skip
        """Book a fill that :meth:`remember` called new; see :meth:`TradeBooking.trade`."""
        return self._trades.trade(execution, instrument, strategy, idx, arrival, fee_price)

    def trade_shared(
        self, execution: Execution, instrument: Instrument, parts: dict[str, Decimal], idx: int = 0,
        arrival: Decimal | None = None, fee_price: Decimal | None = None,
    ) -> list[Booked]:  # fmt: skip
        """Book a derivative's fill that belongs to several books; see :meth:`TradeBooking.trade_shared`."""
        return self._trades.trade_shared(execution, instrument, parts, idx, arrival, fee_price)

    def funding(self, execution: Execution, instrument: Instrument) -> list[Booked]:
        """Book a funding payment (``fee`` > 0 paid), shared over the books by what they held at its time."""
        return self._funding.book(execution, instrument)

    def ledger(self, row: LedgerRow) -> bool:
        """Book a transfer, bonus or interest; returns whether it was new."""
        if row.id in self.state.ledger:
            return False
        self.state.ledger[row.id] = row.ts
        self._holdings.pay(row.coin, row.change)
        return True

    def adopt(self, instrument: InstrumentId, strategy: str) -> Decimal:
        """Hand the foreign position to a strategy's book, in hedge mode both legs; returns the size that moved."""
        moved = self.size(EXTERNAL, instrument)
        for idx in (LONG, SHORT) if self.is_hedged(instrument) else (0,):
            source = self._holdings.place(EXTERNAL, instrument, idx)
            self._holdings.place(strategy, instrument, idx).merge(source)
            source.clear()
        for name in (EXTERNAL, strategy):
            self._holdings.sum_up(name, instrument)
        self.state.held.renamed(instrument, EXTERNAL, strategy)
        return moved

    def forget_old(self) -> None:
        """Drop ids that no re-read can bring back."""
        horizon = self.state.last_execution - _REMEMBER
        for ids in (self.state.executions, self.state.ledger):
            for key in [k for k, ts in ids.items() if ts < horizon]:
                del ids[key]

    # --- what can be asked

    def leg(self, execution: Execution, idx: int = 0) -> int:
        """The leg a fill belongs to: ``idx`` of its order where that is known, else by what it closed; 0 of one-way."""
        return self._trades.leg(execution, idx)

    def net(self, instrument: InstrumentId) -> Book:
        """The position at the venue; in hedge mode the sum of its legs."""
        if self.is_hedged(instrument):
            return self.state.nets.setdefault(instrument, Book())
        return self._holdings.place(VENUE, instrument, 0)

    def book(self, strategy: str, instrument: InstrumentId) -> Book:
        """One strategy's part of it; in hedge mode the sum of its parts of both legs."""
        if self.is_hedged(instrument):
            return self.state.books.setdefault(strategy, {}).setdefault(instrument, Book())
        return self._holdings.place(strategy, instrument, 0)

    def positions(self) -> Iterator[tuple[InstrumentId, int, Book]]:
        """Every position at the venue with its index: 0, or 1 (long) and 2 (short) in hedge mode."""
        return self._holdings.positions()

    def positions_of(self, instrument: InstrumentId) -> tuple[tuple[int, Book], ...]:
        """Those of one instrument, also when there is nothing in them."""
        return self._holdings.positions_of(instrument)

    def is_open(self, instrument: InstrumentId, strategy: str = VENUE) -> bool:
        """Whether the venue, or one strategy, holds anything of it, on either side."""
        found = self._holdings.legs_of(strategy, instrument)
        return any(book.size for book in found)

    def held_by(self, strategy: str) -> list[InstrumentId]:
        """The instruments a book holds something of, on either side."""
        return [i for i in self.state.books.get(strategy, {}) if self.is_open(i, strategy)]

    def sizes(self, instrument: InstrumentId, idx: int = 0) -> dict[str, Decimal]:
        """Size of each book, in hedge mode of one leg, by name."""
        return self._holdings.sizes(instrument, idx)

    def leg_size(self, instrument: InstrumentId, idx: int) -> Decimal:
        """Signed size of a leg at the venue."""
        return self._holdings.leg_size(instrument, idx)

    def on_side(self, strategy: str, instrument: InstrumentId, sign: int) -> Decimal:
        """What a book holds on the side of ``sign`` (1 long, -1 short): of its net size, < 0 when that is on the other
        side; in hedge mode of that leg alone."""
        return self._holdings.on_side(strategy, instrument, sign)

    def index_of(self, instrument: InstrumentId, sign: int) -> int:
        """The index of the position on the side of ``sign``: 0, or in hedge mode that of the leg."""
        return side_of(sign) if self.is_hedged(instrument) else 0

    def net_size(self, instrument: InstrumentId) -> Decimal:
        """Size at the venue, without making a book."""
        net = self.state.nets.get(instrument)
        return net.size if net is not None else ZERO


__all__ = ["EXTERNAL", "PortfolioManager"]
