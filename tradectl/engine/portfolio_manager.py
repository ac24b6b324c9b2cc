"""Balances and positions: per-strategy books over one account, built from executions alone (decisions 12, 13, 16).

Wallet and position messages of the venue are assertions to compare with, never copied, but for the first baseline.
"""

from collections.abc import Iterator
from decimal import Decimal

from tradectl.engine.books import Book
from tradectl.engine.held_sizes import Change
from tradectl.engine.holdings import VENUE, Holdings
from tradectl.engine.legs import LONG, SHORT, leg_of
from tradectl.engine.portfolio_state import Booked, PortfolioState
from tradectl.engine.recent_trades import Trade
from tradectl.engine.shared_fills import split
from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.model.money import ZERO
from tradectl.model.orders import Execution, Side
from tradectl.model.positions import BalanceReport, LedgerRow, PositionReport

#: The book of what is not ours: positions found at the start, manual trades, liquidations without a parent.
EXTERNAL = "external"
#: Execution ids are remembered this long (nanoseconds): longer than any re-read reaches back.
_REMEMBER = 8 * 86_400 * 10**9


class PortfolioManager:
    """Exact books. Every amount enters once, by execution id or ledger id. ``hedge``: the account holds long and short
    of one symbol apart where the venue can."""

    def __init__(self, hedge: bool = False) -> None:
        self.state = PortfolioState()
        self._holdings = Holdings(hedge)

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
            book = self._place(name, report.instrument, idx)
            worth = book.worth(report.size, price)
            book.size, book.cost, book.cash_flow = book.size + report.size, book.cost + worth, book.cash_flow - worth
            self._sum_up(name, report.instrument)

    def remember(self, execution: Execution) -> bool:
        """Note an execution id; returns whether it was new."""
        if execution.exec_id in self.state.executions:
            return False
        self.state.executions[execution.exec_id] = execution.ts
        self.state.last_execution = max(self.state.last_execution, execution.ts)
        return True

    def trade(
        self, execution: Execution, instrument: Instrument, strategy: str, idx: int = 0,
        arrival: Decimal | None = None, fee_price: Decimal | None = None,
    ) -> Booked:  # fmt: skip
        """Book a fill that :meth:`remember` called new.

        ``idx`` is the hedge leg of the order, 0 where nobody knows it. ``arrival`` is where its slippage counts from.
        ``fee_price`` values a fee paid in a coin the instrument has nothing to do with.
        """
        if instrument.is_spot:
            return self._spot(execution, instrument, strategy, arrival, fee_price)
        parts = {strategy: execution.qty}
        return self.trade_shared(execution, instrument, parts, idx, arrival, fee_price)[0]

    def trade_shared(
        self, execution: Execution, instrument: Instrument, parts: dict[str, Decimal], idx: int = 0,
        arrival: Decimal | None = None, fee_price: Decimal | None = None,
    ) -> list[Booked]:  # fmt: skip
        """Book a derivative's fill that belongs to several books: the position once, each book its part.

        ``parts`` add up to the fill's quantity; fee and value go by them, the remainder of the rounding to the largest.
        """
        idx = self.leg(execution, idx)
        fee = _fee(execution, instrument.settle_coin, fee_price)
        value = _stated_value(execution)
        net = self._position_trade(execution, instrument, idx, value, fee)
        fees, values = split(fee, parts), split(value, parts) if value is not None else {}
        booked = []
        for name, part in parts.items():
            book = self._place(name, instrument.id, idx)
            own = book.trade(execution.side.sign, part, execution.price, value=values.get(name))
            book.fees += fees[name]
            net.slippage += _slip(book, execution, part, arrival)
            self._note(execution, name, part, idx)
            booked.append(Booked(name, own, self.size(name, instrument.id)))
        self._sum_up(VENUE, instrument.id)
        return booked

    def _position_trade(
        self, execution: Execution, instrument: Instrument, idx: int, value: Decimal | None, fee: Decimal
    ) -> Book:
        """A derivative's fill in the position at the venue and in the cash. Who buys an option pays for it at once."""
        net, sign = self._place(VENUE, instrument.id, idx), execution.side.sign
        recent = self._holdings.recent(self.state, instrument.id, idx, net)
        trade = Trade(execution.ts, sign, execution.qty, execution.price, execution.pnl, value)
        realised = recent.book(trade, net)
        net.fees += fee
        option = instrument.id.category is Category.OPTION
        premium = execution.qty * execution.price if value is None else value
        self._pay(instrument.settle_coin, -sign * premium if option else realised)
        self._pay(execution.fee_coin or instrument.settle_coin, -execution.fee)
        return net

    def _note(self, execution: Execution, name: str, part: Decimal, idx: int) -> None:
        """After a book traded: its sum, its count, and what funding may ask for later."""
        self._sum_up(name, execution.instrument)
        self.state.trades[name] = self.state.trades.get(name, 0) + 1
        self.state.held.changed(
            execution.instrument, Change(execution.ts, name, execution.side.sign * part, idx)
        )  # fmt: skip

    def _spot(
        self, execution: Execution, instrument: Instrument, strategy: str, arrival: Decimal | None,
        fee_price: Decimal | None,
    ) -> Booked:  # fmt: skip
        sign, qty = execution.side.sign, execution.qty
        coin = execution.fee_coin or (instrument.base_coin if sign > 0 else instrument.quote_coin)
        fee = _fee(execution, instrument.quote_coin, fee_price)
        own = ZERO
        for book in (self.net(instrument.id), self.book(strategy, instrument.id)):
            own = book.trade(sign, qty, execution.price)
            _slip(book, execution, qty, arrival)
            if coin == instrument.base_coin:
                own += book.pay_in_kind(execution.fee, execution.price)
            else:
                book.fees += fee
        self.state.trades[strategy] = self.state.trades.get(strategy, 0) + 1
        self._pay(instrument.base_coin, sign * qty)
        self._pay(instrument.quote_coin, -sign * execution.value)
        self._pay(coin, -execution.fee)
        return Booked(strategy, own, self.size(strategy, instrument.id))

    def funding(self, execution: Execution, instrument: Instrument) -> list[Booked]:
        """Book a funding payment (``fee`` > 0 paid), shared over the books by what they held at its time, to the last
        digit; what nobody held is ``external``'s."""
        idx, sizes = self._holders(execution)
        shares = split(execution.fee, sizes) if sizes else {EXTERNAL: execution.fee}
        self._pay(execution.fee_coin or instrument.settle_coin, -execution.fee)
        for name, amount in ((VENUE, execution.fee), *shares.items()):
            self._place(name, instrument.id, idx).funding += amount
            self._sum_up(name, instrument.id)
        return [Booked(name, -amount, self.size(name, instrument.id)) for name, amount in shares.items()]

    def _holders(self, execution: Execution) -> tuple[int, dict[str, Decimal]]:
        """The leg that paid, and what each book held of it. Its side says which; the size settles it."""
        i = execution.instrument
        said = LONG if execution.side is Side.BUY else SHORT
        found = {}
        for idx in (said, LONG + SHORT - said) if self.is_hedged(i) else (0,):
            now = self._holdings.sizes(self.state, i, idx)
            found[idx] = self.state.held.at(i, idx, now, execution.ts, execution.qty)
            if abs(sum(found[idx].values(), ZERO)) == execution.qty:
                return idx, found[idx]
        return next(iter(found.items()))

    def ledger(self, row: LedgerRow) -> bool:
        """Book a transfer, bonus or interest; returns whether it was new."""
        if row.id in self.state.ledger:
            return False
        self.state.ledger[row.id] = row.ts
        self._pay(row.coin, row.change)
        return True

    def adopt(self, instrument: InstrumentId, strategy: str) -> Decimal:
        """Hand the foreign position to a strategy's book, in hedge mode both legs; returns the size that moved."""
        moved = self.size(EXTERNAL, instrument)
        for idx in (LONG, SHORT) if self.is_hedged(instrument) else (0,):
            source = self._place(EXTERNAL, instrument, idx)
            self._place(strategy, instrument, idx).merge(source)
            source.clear()
        for name in (EXTERNAL, strategy):
            self._sum_up(name, instrument)
        self.state.held.renamed(instrument, EXTERNAL, strategy)
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

    def _place(self, name: str, instrument: InstrumentId, idx: int) -> Book:
        return self._holdings.place(self.state, name, instrument, idx)

    def _sum_up(self, name: str, instrument: InstrumentId) -> None:
        self._holdings.sum_up(self.state, name, instrument)

    # --- what can be asked

    def is_hedged(self, instrument: InstrumentId) -> bool:
        """Whether long and short of it are held apart."""
        return self._holdings.is_hedged(instrument)

    def leg(self, execution: Execution, idx: int = 0) -> int:
        """The leg a fill belongs to: ``idx`` of its order where that is known, else by what it closed; 0 of one-way."""
        return (idx or leg_of(execution)) if self.is_hedged(execution.instrument) else 0

    def net(self, instrument: InstrumentId) -> Book:
        """The position at the venue; in hedge mode the sum of its legs."""
        if self.is_hedged(instrument):
            return self.state.nets.setdefault(instrument, Book())
        return self._place(VENUE, instrument, 0)

    def book(self, strategy: str, instrument: InstrumentId) -> Book:
        """One strategy's part of it; in hedge mode the sum of its parts of both legs."""
        if self.is_hedged(instrument):
            return self.state.books.setdefault(strategy, {}).setdefault(instrument, Book())
        return self._place(strategy, instrument, 0)

    def positions(self) -> Iterator[tuple[InstrumentId, int, Book]]:
        """Every position at the venue with its index: 0, or 1 (long) and 2 (short) in hedge mode."""
        return self._holdings.positions(self.state)

    def positions_of(self, instrument: InstrumentId) -> tuple[tuple[int, Book], ...]:
        """Those of one instrument, also when there is nothing in them."""
        return self._holdings.positions_of(self.state, instrument)

    def is_open(self, instrument: InstrumentId, strategy: str = VENUE) -> bool:
        """Whether the venue, or one strategy, holds anything of it, on either side."""
        found = self._holdings.legs_of(self.state, strategy, instrument)
        return any(book.size for book in found)

    def sizes(self, instrument: InstrumentId, idx: int = 0) -> dict[str, Decimal]:
        """Size of each book, in hedge mode of one leg, by name."""
        return self._holdings.sizes(self.state, instrument, idx)

    def leg_size(self, instrument: InstrumentId, idx: int) -> Decimal:
        """Signed size of a leg at the venue."""
        return self._holdings.leg_size(self.state, instrument, idx)

    def size(self, strategy: str, instrument: InstrumentId) -> Decimal:
        """Size of a book, without making one."""
        book = self.state.books.get(strategy, {}).get(instrument)
        return book.size if book is not None else ZERO

    def net_size(self, instrument: InstrumentId) -> Decimal:
        """Size at the venue, without making a book."""
        net = self.state.nets.get(instrument)
        return net.size if net is not None else ZERO


def _fee(execution: Execution, coin: str, price: Decimal | None) -> Decimal:
    """The fee in ``coin``; one in another coin at ``price``, 0 when nobody can value it."""
    if execution.fee_coin in ("", coin):
        return execution.fee
    return execution.fee * price if price is not None else ZERO


def _stated_value(execution: Execution) -> Decimal | None:
    """The venue's own figure, where value is not simply quantity times price."""
    plain = execution.instrument.category in (Category.LINEAR, Category.SPOT)
    return None if plain or not execution.value else execution.value


def _slip(book: Book, execution: Execution, qty: Decimal, arrival: Decimal | None) -> Decimal:
    return book.slip(execution.side.sign, qty, execution.price, arrival) if arrival else ZERO
