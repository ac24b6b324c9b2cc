"""One pair of orders taken apart: what of the difference in profit is due to which cause, exactly.

In this order, each step on what the one before left:

1. An order without a twin is ``signal`` with all its fills and fees; ``outside`` when no strategy decided it.
2. Where the two asked for different sizes, what was filled beyond the smaller size is ``signal``.
3. What then was filled on one side alone: nothing on the other side is ``rejected`` when that order never got into the
   market, ``queue`` when it waited there in vain; otherwise, as when both filled but one not so far, ``partial``.
4. The common quantity, first fill against first fill. At equal moments a difference of price is ``price`` (spread,
   depth and slippage). At different moments the move of the touch between them is ``latency``, the rest ``price``.
   Where one of the two stood in the book it is ``queue``; where both did at limits that differ, ``signal``.
5. The fees on the common quantity are ``fee``: rate times value, maker or taker.
6. Funding of the same settlement is ``funding``.

A surplus carries its fees with it. Amounts are recorded minus backtest: > 0, reality did better.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal
from enum import Enum

from msgspec import Struct

from tradectl.backtest.parity.matching import Pair
from tradectl.backtest.parity.orders import REJECTED, Paid, Piece, TradedOrder, Units, cut, value_at
from tradectl.model.instruments import InstrumentId
from tradectl.model.money import ZERO

#: The best price a taker of ``sign`` found on an instrument at a moment; ``None`` when the record does not say.
Touch = Callable[[InstrumentId, int, int], Decimal | None]


class Cause(str, Enum):
    SIGNAL = "signal"
    LATENCY = "latency"
    PRICE = "price"
    QUEUE = "queue"
    PARTIAL = "partial fill"
    REJECTED = "rejected"
    FEE = "fee"
    FUNDING = "funding"
    OUTSIDE = "outside"


class Leg(Struct, frozen=True):
    """One side of a difference: the order, when it was decided, and the fill it is about (0 and ``None``: none)."""

    order: str
    decided: int
    filled: int = 0
    price: Decimal | None = None
    qty: Decimal = ZERO
    rate: Decimal | None = None
    fill: str = ""


class Row(Struct, frozen=True):
    """One difference and what it made, in ``coin``: recorded minus backtest."""

    cause: Cause
    coin: str
    amount: Decimal
    strategy: str
    instrument: InstrumentId
    side: str
    note: str
    recorded: Leg | None = None
    backtest: Leg | None = None


class Waterfall:
    """Takes pairs apart; the rows of a pair add up to its difference in profit, coin by coin."""

    def __init__(self, units: Units, touch: Touch) -> None:
        self._units = units
        self._touch = touch

    def rows(self, pair: Pair) -> Iterator[Row]:
        """Every difference of one pair."""
        recorded, backtest = pair
        if recorded is None or backtest is None:
            yield from self._alone(recorded, backtest)
        else:
            yield from self._both(recorded, backtest)

    # --- 1: no twin

    def _alone(self, recorded: TradedOrder | None, backtest: TradedOrder | None) -> Iterator[Row]:
        order = recorded or backtest
        assert order is not None
        cause = Cause.SIGNAL if order.ours else Cause.OUTSIDE
        here = "recorded run" if recorded is not None else "backtest"
        note = f"only in the {here}: {order.reason or order.kind}"
        yield from self._surplus(cause, note, order, order.pieces, recorded is not None, None)

    # --- 2 and 3: more on one side

    def _both(self, recorded: TradedOrder, backtest: TradedOrder) -> Iterator[Row]:
        left, right = list(recorded.pieces), list(backtest.pieces)
        i = recorded.instrument
        asked = min(recorded.asked, backtest.asked)
        note = f"asked for {recorded.asked:f}, in the backtest {backtest.asked:f}"
        yield from self._surplus(Cause.SIGNAL, note, recorded, _beyond(i, left, asked), True, backtest)
        yield from self._surplus(Cause.SIGNAL, note, backtest, _beyond(i, right, asked), False, recorded)
        common = min(_sum(left), _sum(right))
        for order, other, pieces, real in ((recorded, backtest, left, True), (backtest, recorded, right, False)):
            more = _beyond(i, pieces, common)
            cause = _missing(other) if not common else Cause.PARTIAL
            state = f"{other.filled:f} of {other.asked:f} filled, {other.status.value}"
            note = f"in the {'backtest' if real else 'recorded run'} {state}"
            yield from self._surplus(cause, note, order, more, real, other)
        yield from self._common(recorded, backtest, left, right)

    def _surplus(
        self, cause: Cause, note: str, order: TradedOrder, pieces: list[Piece] | tuple[Piece, ...], real: bool,
        other: TradedOrder | None,
    ) -> Iterator[Row]:  # fmt: skip
        """Fills that only one side has, with their fees."""
        way = 1 if real else -1
        twin = Leg(other.id, other.at) if other is not None else None
        for piece in pieces:
            leg = _leg(order, piece)
            legs = (leg, twin) if real else (twin, leg)
            own = self._units.coin(order.instrument)
            coin, fee = self._units.fee(order.instrument, piece)
            worth = self._units.worth(order.instrument, order.sign, piece)
            if coin == own:
                worth -= fee
            yield self._row(cause, own, way * worth, order, note, *legs)
            if coin != own and fee:
                yield self._row(cause, coin, -way * fee, order, note, *legs)

    # --- 4 and 5: what both filled

    def _common(
        self, recorded: TradedOrder, backtest: TradedOrder, left: list[Piece], right: list[Piece]
    ) -> Iterator[Row]:
        i = recorded.instrument
        for real, test in zip(*_level(i, left, right), strict=True):
            legs = _leg(recorded, real), _leg(backtest, test)
            for cause, amount, note in self._priced(recorded, backtest, real, test):
                yield self._row(cause, self._units.coin(i), amount, recorded, note, *legs)
            yield from self._fees(recorded, real, test, legs)

    def _priced(
        self, recorded: TradedOrder, backtest: TradedOrder, real: Piece, test: Piece
    ) -> Iterator[tuple[Cause, Decimal, str]]:
        i, sign = recorded.instrument, recorded.sign
        total = self._units.worth(i, sign, real) - self._units.worth(i, sign, test)
        late = real.ts - test.ts
        if not total and not late:
            return
        if real.maker or test.maker:
            yield _queued(recorded, backtest, real, test, total)
            return
        moved = self._moved(i, sign, real, test) if late else ZERO
        if late:
            yield Cause.LATENCY, moved, f"filled {abs(late) / 1e6:g} ms {'later' if late > 0 else 'earlier'}"
        if total - moved:
            yield Cause.PRICE, total - moved, "another price beside the touch: spread, depth or slippage"

    def _moved(self, i: InstrumentId, sign: int, real: Piece, test: Piece) -> Decimal:
        """What the market's own move between the two fills made; 0 where the record does not say."""
        then, now = self._touch(i, sign, test.ts), self._touch(i, sign, real.ts)
        if then is None or now is None:
            return ZERO
        moved = value_at(i, real.qty, now) - value_at(i, real.qty, then)
        return sign * moved if i.category.value == "inverse" else -sign * moved

    def _fees(self, order: TradedOrder, real: Piece, test: Piece, legs: tuple[Leg, Leg]) -> Iterator[Row]:
        amounts: dict[str, Decimal] = {}
        for piece, way in ((real, -1), (test, 1)):
            coin, fee = self._units.fee(order.instrument, piece)
            amounts[coin] = amounts.get(coin, ZERO) + way * fee
        for coin, amount in amounts.items():
            if amount:
                yield self._row(Cause.FEE, coin, amount, order, _fee_note(real, test), *legs)

    @staticmethod
    def _row(
        cause: Cause, coin: str, amount: Decimal, order: TradedOrder, note: str, recorded: Leg | None,
        backtest: Leg | None,
    ) -> Row:  # fmt: skip
        side = "Buy" if order.sign > 0 else "Sell"
        return Row(cause, coin, amount, order.strategy, order.instrument, side, note, recorded, backtest)


def funding_rows(recorded: tuple[Paid, ...], backtest: tuple[Paid, ...]) -> Iterator[Row]:
    """Settlement by settlement: where the payments differ, because the rate or what was held did."""
    left = {(it.instrument, it.ts, it.coin): it for it in recorded}
    right = {(it.instrument, it.ts, it.coin): it for it in backtest}
    for key in sorted({*left, *right}, key=lambda it: (it[1], it[0], it[2])):
        real, test = left.get(key), right.get(key)
        amount = (test.amount if test else ZERO) - (real.amount if real else ZERO)
        if amount:
            told = [f"{p.amount:f} at {p.rate:f} on {p.qty:f}" if p else "nothing" for p in (real, test)]
            legs = [Leg("", key[1], key[1], None, p.qty, p.rate) if p else None for p in (real, test)]
            yield Row(
                Cause.FUNDING, key[2], amount, "", key[0], "", f"paid {told[0]}, in the backtest {told[1]}", *legs
            )  # fmt: skip


def _queued(
    recorded: TradedOrder, backtest: TradedOrder, real: Piece, test: Piece, total: Decimal
) -> tuple[Cause, Decimal, str]:
    late = real.ts - test.ts
    if real.maker and test.maker and recorded.price != backtest.price:
        return Cause.SIGNAL, total, f"its limit is {recorded.price}, in the backtest {backtest.price}"
    if real.maker and test.maker:
        return Cause.QUEUE, total, f"its turn came {abs(late) / 1e9:g} s {'later' if late > 0 else 'earlier'}"
    stood = "it stood in the book, in the backtest it traded at once"
    return Cause.QUEUE, total, stood if real.maker else "it traded at once, in the backtest it stood in the book"


def _missing(other: TradedOrder) -> Cause:
    """Why an order filled nothing while its twin did."""
    if other.status in REJECTED:
        return Cause.REJECTED
    return Cause.QUEUE if other.waits else Cause.PARTIAL


def _fee_note(real: Piece, test: Piece) -> str:
    def told(piece: Piece) -> str:
        return f"{piece.rate:f} x {piece.value:f} as {'maker' if piece.maker else 'taker'}"

    return f"{told(real)}, in the backtest {told(test)}"


def _leg(order: TradedOrder, piece: Piece) -> Leg:
    return Leg(order.id, order.at, piece.ts, piece.price, piece.qty, piece.rate, piece.id)


def _sum(pieces: list[Piece]) -> Decimal:
    return sum((it.qty for it in pieces), ZERO)


def _beyond(i: InstrumentId, pieces: list[Piece], keep: Decimal) -> list[Piece]:
    """Take what lies beyond the first ``keep`` out of ``pieces``."""
    kept: list[Piece] = []
    more: list[Piece] = []
    for piece in pieces:
        if piece.qty <= keep:
            kept.append(piece)
        elif keep > 0:
            first, rest = cut(i, piece, keep)
            kept.append(first)
            more.append(rest)
        else:
            more.append(piece)
        keep = max(keep - piece.qty, ZERO)
    pieces[:] = kept
    return more


def _level(i: InstrumentId, left: list[Piece], right: list[Piece]) -> tuple[list[Piece], list[Piece]]:
    """Two lists of one total, cut so that the n-th of both have one size."""
    ones, others, first, second = [], [], list(left), list(right)
    while first and second:
        a, b = first.pop(0), second.pop(0)
        if a.qty > b.qty:
            a, rest = cut(i, a, b.qty)
            first.insert(0, rest)
        elif b.qty > a.qty:
            b, rest = cut(i, b, a.qty)
            second.insert(0, rest)
        ones.append(a)
        others.append(b)
    return ones, others
