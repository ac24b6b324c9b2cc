"""Executions as fills of books: a book for each instrument, in hedge mode one for each leg.

Realised profit is the statement's own figure for the execution; spot has none there, and USDC contracts book part of
it with funding, so theirs is counted at average cost. What was held before the span enters as a fill of its own whose
id begins with :data:`CARRIED`: it costs nothing and only lets trades that began earlier end.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec
from msgspec import Struct

from tradectl.backtest.review.carried import Legs, Opening, cash_flows, moved_by, opening_of
from tradectl.backtest.review.slippage import Against, Minutes, Reference, reference
from tradectl.model.account_past import AccountPast, PastExecution
from tradectl.model.commands import ExecutionBooked
from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.model.money import ZERO, to_coin
from tradectl.model.orders import Execution, OrderReport
from tradectl.performance.fills import Fill, fill_of

CARRIED = "carried:"
#: Coins that count as one dollar each.
DOLLARS = frozenset({"USDT", "USDC", "USD", "USDE", "FDUSD", "DAI"})


class Booked(Struct, frozen=True):
    """Fills in the order they happened (``strategy`` is the leg in hedge mode), what each was compared with, by
    execution id, and instruments left out because their money is no dollar."""

    fills: tuple[Fill, ...]
    against: dict[str, Against]
    left_out: tuple[str, ...]


def money_of(instrument: Instrument) -> str:
    """The coin an instrument's profit is counted in; an inverse contract's value is in dollars."""
    if instrument.id.category is Category.INVERSE:
        return "USD"
    return instrument.quote_coin if instrument.is_spot else instrument.settle_coin


def book(past: AccountPast, minutes: Minutes) -> Booked:
    """Every execution in its book."""
    instruments = {it.id: it for it in past.instruments}
    orders = {it.order_id: it for it in past.orders}
    legs = Legs(past, orders)
    groups: dict[tuple[InstrumentId, str], list[PastExecution]] = {}
    for it in past.executions:
        groups.setdefault((it.execution.instrument, legs.of(it.execution)), []).append(it)
    fills: list[Fill] = []
    against: dict[str, Against] = {}
    left_out: set[str] = set()
    flows = cash_flows(past)
    for (name, leg), own in groups.items():
        instrument = instruments.get(name)
        if instrument is None or money_of(instrument) not in DOLLARS:
            left_out.add(str(name))
            continue
        references = {it.execution.exec_id: _reference(it, orders, minutes) for it in own}
        against |= {id: it.against for id, it in references.items()}
        opening = opening_of(past, name, leg, own, instrument)
        fills += _Book(instrument, leg, flows).fills(own, references, opening, past.since)
    return Booked(tuple(sorted(fills, key=lambda it: (it.at, it.id))), against, tuple(sorted(left_out)))


def _reference(it: PastExecution, orders: Mapping[str, OrderReport], minutes: Minutes) -> Reference:
    return reference(it, orders.get(it.execution.order_id), minutes)


class _Book:
    """One book: average cost in dollars for what the statement does not state."""

    def __init__(self, instrument: Instrument, leg: str, flows: Mapping[str, Decimal]) -> None:
        self._instrument, self._leg, self._flows = instrument, leg, flows
        self._own_cost = instrument.is_spot or instrument.settle_coin == "USDC"
        self._size = self._cost = ZERO

    def fills(
        self, own: Iterable[PastExecution], references: Mapping[str, Reference], opening: Opening, since: int
    ) -> list[Fill]:
        """The fills, beginning with what was carried over, which is before every execution of the span."""
        found = []
        if opening.size:
            value = self._value(opening.size, opening.price)
            self._size, self._cost = opening.size, value
            id = f"{CARRIED}{self._instrument.id}{self._leg}"
            found.append(self._made(id, since - 1, opening.size, opening.price, value, ZERO))
        for it in own:
            found += self._take(it.execution, references[it.execution.exec_id].price)
        return found

    def _take(self, done: Execution, arrival: Decimal | None) -> list[Fill]:
        booked = ExecutionBooked(
            at=done.ts, execution=done, strategy=self._leg, decision=0, realised=ZERO, position=ZERO, arrival=arrival
        )
        fill = fill_of(booked, lambda coin, at: None)
        if not fill.qty:
            return [fill]
        moved = moved_by(done, self._instrument)
        if moved != fill.qty:  # a fee in coins: fewer came, and what they cost with the fee is what was paid
            fill = msgspec.structs.replace(fill, qty=moved, value=fill.value - fill.fee)
        realised = self._average(moved, fill.value)
        stated = None if self._own_cost else self._flows.get(done.exec_id)
        if stated is not None:
            realised = to_coin(stated * done.price) if done.instrument.category is Category.INVERSE else stated
        fill = msgspec.structs.replace(fill, realised=realised)
        return [fill, *self._swept(fill)]

    def _average(self, qty: Decimal, value: Decimal) -> Decimal:
        """Realised at average cost; ``qty`` and ``value`` are signed alike."""
        if self._size * qty >= 0:
            self._size, self._cost = self._size + qty, self._cost + value
            return ZERO
        closed = min(abs(qty), abs(self._size))
        cost = self._cost if closed == abs(self._size) else to_coin(self._cost * closed / abs(self._size))
        proceeds = value if closed == abs(qty) else to_coin(value * closed / abs(qty))
        rest = qty + (closed if qty < 0 else -closed)
        self._size, self._cost = self._size + qty, self._cost - cost
        if rest:
            self._cost = value - proceeds
        if not self._instrument.is_spot and self._instrument.id.category is Category.INVERSE:
            return ZERO  # dollars bought and sold at one dollar each: only the statement knows the coins
        return -proceeds - cost

    def _swept(self, last: Fill) -> list[Fill]:
        """Of spot less than a lot may be left, which nobody can sell: it leaves the book at the last price."""
        if not self._instrument.is_spot or last.qty > 0 or not 0 < self._size < self._instrument.lot_size:
            return []
        left = -self._size
        value = self._value(left, last.price)
        realised = self._average(left, value)
        return [self._made(f"{last.id}:dust", last.at, left, last.price, value, realised)]

    def _value(self, qty: Decimal, price: Decimal) -> Decimal:
        return qty if self._instrument.id.category is Category.INVERSE else to_coin(qty * price)

    def _made(self, id: str, at: int, qty: Decimal, price: Decimal, value: Decimal, realised: Decimal) -> Fill:
        return Fill(
            id, at, self._leg, self._instrument.id, qty, price, value, ZERO, ZERO, realised, ZERO, False, "", ZERO
        )
