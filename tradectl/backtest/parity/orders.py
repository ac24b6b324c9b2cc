"""The two sides of a comparison in one form: orders with their fills, and funding, from what an engine said."""

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct

from tradectl.backtest.ledger import Ledger
from tradectl.model.commands import ExecutionBooked, OrderChanged
from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.model.money import ZERO, to_coin
from tradectl.model.orders import OrderStatus, OrderType

#: Orders the venue, the queue or the network stopped although they were decided.
REJECTED = frozenset({OrderStatus.REJECTED, OrderStatus.LOST, OrderStatus.EXPIRED, OrderStatus.DEACTIVATED})
#: Digits of the reciprocal of an inverse contract's mark: any fixed number keeps profit linear in fills.
_RECIPROCAL = Decimal("1e-24")


class Piece(Struct, frozen=True):
    """A fill or a part of one, all amounts > 0 but ``fee``, which may be a rebate. ``ts`` is the venue's time."""

    id: str
    ts: int
    qty: Decimal
    price: Decimal
    value: Decimal
    fee: Decimal
    fee_coin: str
    rate: Decimal
    maker: bool


class TradedOrder(Struct, frozen=True):
    """An order and its fills in order. ``sign`` is 1 for a buy; ``cause`` the event it goes back to, ``at`` when.

    ``kind`` tells apart what one event may cause: the action of its decision, or what kind of stop it is. ``asked`` is
    at least what was filled: an order of a quote amount asks for what it gets.
    """

    id: str
    strategy: str
    instrument: InstrumentId
    sign: int
    kind: str
    cause: str
    at: int
    type: OrderType
    price: Decimal | None
    asked: Decimal
    status: OrderStatus
    ours: bool
    reason: str
    pieces: tuple[Piece, ...] = ()

    @property
    def filled(self) -> Decimal:
        return sum((it.qty for it in self.pieces), ZERO)

    @property
    def waits(self) -> bool:
        """Whether it stands in the book or behind a trigger instead of trading at once."""
        return self.type is OrderType.LIMIT or self.kind.startswith("stop:")


class Paid(Struct, frozen=True):
    """Funding of one instrument at one settlement, of all books together; > 0 was paid."""

    instrument: InstrumentId
    ts: int
    coin: str
    amount: Decimal
    rate: Decimal
    qty: Decimal


class Side(Struct, frozen=True):
    """Everything of one side that has to do with money."""

    orders: tuple[TradedOrder, ...]
    funding: tuple[Paid, ...]


class Units:
    """What one unit of an instrument is worth at the common mark, and how a fill counts."""

    def __init__(self, instruments: Mapping[InstrumentId, Instrument], marks: Mapping[InstrumentId, Decimal]) -> None:
        """Raises ``KeyError`` later for an instrument without a mark."""
        self._instruments, self._marks = instruments, marks

    def coin(self, instrument: InstrumentId) -> str:
        """The coin its profit is counted in."""
        it = self._instruments[instrument]
        return it.quote_coin if it.is_spot else it.settle_coin

    def worth(self, instrument: InstrumentId, sign: int, piece: Piece) -> Decimal:
        """What a fill is worth at the common mark, before its fee."""
        mark = self._marks[instrument]
        if instrument.category is Category.INVERSE:
            return sign * (piece.value - piece.qty * (1 / mark).quantize(_RECIPROCAL))
        return sign * (piece.qty * mark - piece.value)

    def fee(self, instrument: InstrumentId, piece: Piece) -> tuple[str, Decimal]:
        """The fee and its coin; one in the base coin of a spot pair counts at the mark."""
        it = self._instruments[instrument]
        if it.is_spot and piece.fee_coin == it.base_coin:
            return it.quote_coin, piece.fee * self._marks[instrument]
        return piece.fee_coin or self.coin(instrument), piece.fee


def value_at(instrument: InstrumentId, qty: Decimal, price: Decimal) -> Decimal:
    """What ``qty`` costs at ``price``, as the venue states it."""
    return to_coin(qty / price) if instrument.category is Category.INVERSE else qty * price


def cut(instrument: InstrumentId, piece: Piece, qty: Decimal) -> tuple[Piece, Piece]:
    """The first ``qty`` of a piece and the rest; value and fee of the two add up exactly."""
    value, fee = value_at(instrument, qty, piece.price), to_coin(piece.fee * qty / piece.qty)
    first = Piece(piece.id, piece.ts, qty, piece.price, value, fee, piece.fee_coin, piece.rate, piece.maker)
    return first, Piece(
        piece.id, piece.ts, piece.qty - qty, piece.price, piece.value - value, piece.fee - fee, piece.fee_coin,
        piece.rate, piece.maker,
    )  # fmt: skip


def side_of(ledger: Ledger) -> Side:
    """One side from what its engine said."""
    pieces: dict[str, list[Piece]] = {}
    loose: dict[str, ExecutionBooked] = {}
    for booked in ledger.executions:
        done = booked.execution
        if done.type == "Funding":
            continue
        order = ledger.order_of(booked)
        name = (order.link_id or order.order_id) if order is not None else done.order_id or done.exec_id
        if order is None:
            loose.setdefault(name, booked)
        pieces.setdefault(name, []).append(
            Piece(done.exec_id, done.ts, done.qty, done.price, done.value, done.fee, done.fee_coin, done.fee_rate,
                  done.is_maker)
        )  # fmt: skip
    orders = [_order(ledger, it, pieces.get(name, [])) for name, it in ledger.orders.items()]
    orders += [_loose(name, it, pieces[name]) for name, it in loose.items()]
    return Side(tuple(sorted(orders, key=lambda it: (it.at, it.id))), _funding(ledger))


def _order(ledger: Ledger, order: OrderChanged, pieces: list[Piece]) -> TradedOrder:
    made = ledger.decisions.get(order.decision)
    parent = ledger.orders.get(order.parent)
    if made is None and parent is not None:
        made = ledger.decisions.get(parent.decision)
    kind = f"stop:{order.stop_type}" if order.stop_type or order.trigger is not None else made.action if made else ""
    pieces.sort(key=lambda it: it.ts)
    filled = sum((it.qty for it in pieces), ZERO)
    return TradedOrder(
        order.link_id or order.order_id, order.strategy, order.instrument, order.side.sign, kind,
        made.event if made else "", made.at if made else order.created, order.type, order.price,
        max(order.qty, filled), order.status, made is not None, made.reason if made else order.reason, tuple(pieces),
    )  # fmt: skip


def _loose(name: str, booked: ExecutionBooked, pieces: list[Piece]) -> TradedOrder:
    """Fills whose order nobody told us of: liquidations, other people's trades."""
    done = booked.execution
    pieces.sort(key=lambda it: it.ts)
    filled = sum((it.qty for it in pieces), ZERO)
    return TradedOrder(
        name, booked.strategy, done.instrument, done.side.sign, done.create_type or done.type, "", done.ts,
        OrderType.MARKET, None, filled, OrderStatus.FILLED, False, done.create_type or done.type, tuple(pieces),
    )  # fmt: skip


def _funding(ledger: Ledger) -> tuple[Paid, ...]:
    found: dict[tuple[InstrumentId, int, str], list[ExecutionBooked]] = {}
    for booked in ledger.executions:
        done = booked.execution
        if done.type == "Funding":
            found.setdefault((done.instrument, done.ts, done.fee_coin), []).append(booked)
    return tuple(
        Paid(
            instrument, ts, coin, sum((it.execution.fee for it in rows), ZERO), rows[0].execution.fee_rate,
            sum((it.execution.qty for it in rows), ZERO),
        )
        for (instrument, ts, coin), rows in sorted(found.items(), key=lambda it: (it[0][1], it[0][0]))
    )  # fmt: skip
