"""A venue written the slow obvious way: it keeps orders, positions and wallets exactly and remembers all it ever said.

Nothing is delivered by itself: each request returns its answer, each change leaves its messages in ``said``; the
flow decides what arrives when, how often, or never.
"""

from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

from tradectl.model.commands import CancelOrder, RiskApproved
from tradectl.model.events import (
    Action,
    Event,
    Executed,
    OrderAnswered,
    OrderLookedUp,
    OrderReported,
    Reaction,
    Reconciled,
)
from tradectl.model.instruments import Instrument, InstrumentId
from tradectl.model.orders import Execution, OrderReport, OrderStatus, OrderType, Side, TimeInForce
from tradectl.model.positions import BalanceReport, LedgerRow, PositionReport

FEE = Fraction(55, 100_000)
ENDED = {OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.PARTIALLY_FILLED_CANCELED}


def decimal(value: Fraction) -> Decimal:
    """An exact Decimal; fails when the fraction has none."""
    result = Decimal(value.numerator) / Decimal(value.denominator)
    assert Fraction(result) == value, f"{value} is no finite decimal"
    return result


def eight(value: Fraction) -> Fraction:
    """Half-even to eight decimals."""
    scaled = value * 10**8
    whole = scaled.numerator // scaled.denominator
    rest = scaled - whole
    if rest > Fraction(1, 2) or (rest == Fraction(1, 2) and whole % 2):
        whole += 1
    return Fraction(whole, 10**8)


@dataclass
class Resting:
    """One order as the venue has it."""

    link_id: str
    order_id: str
    instrument: InstrumentId
    side: Side
    type: OrderType
    tif: TimeInForce
    qty: Decimal
    price: Decimal | None
    reduce_only: bool
    created: int
    status: OrderStatus = OrderStatus.NEW
    cum_qty: Decimal = Decimal(0)
    cum_value: Decimal = Decimal(0)
    updated: int = 0
    reject: str = "EC_NoError"

    @property
    def leaves(self) -> Decimal:
        return self.qty - self.cum_qty

    @property
    def is_open(self) -> bool:
        return self.status not in ENDED


@dataclass
class FakeVenue:
    """The truth. Times come from the caller and only grow."""

    instruments: dict[InstrumentId, Instrument]
    cash: dict[str, Fraction]
    now: int = 1_000_000_000_000
    states_pnl: bool = True
    orders: dict[str, Resting] = field(default_factory=dict)
    sizes: dict[InstrumentId, Fraction] = field(default_factory=dict)
    costs: dict[InstrumentId, Fraction] = field(default_factory=dict)
    executions: list[Execution] = field(default_factory=list)
    ledger: list[LedgerRow] = field(default_factory=list)
    said: list[Event] = field(default_factory=list)
    creates: dict[str, int] = field(default_factory=dict)
    fees_paid: Fraction = Fraction(0)
    funding_paid: Fraction = Fraction(0)
    _ids: int = 0

    def tick(self, step: int = 1_000_000) -> int:
        self.now += step
        return self.now

    # --- requests

    def receive(self, command: RiskApproved | CancelOrder, post_only_crosses: bool = False) -> OrderAnswered:
        """Carry out one order request now; returns the gateway's answer."""
        self.tick()
        if isinstance(command, CancelOrder):
            return self._cancel(command)
        if command.order is not None:
            return self._create(command, post_only_crosses)
        return self._amend(command)

    def _create(self, command: RiskApproved, post_only_crosses: bool) -> OrderAnswered:
        spec = command.order
        assert spec is not None
        self.creates[spec.link_id] = self.creates.get(spec.link_id, 0) + 1
        size = self.sizes.get(spec.instrument, Fraction(0))
        if spec.reduce_only and size * spec.side.sign >= 0:
            return self._answer(spec.link_id, Action.CREATE, 110017, Reaction.RECONCILE)
        self._ids += 1
        order = Resting(
            spec.link_id, f"venue-{self._ids}", spec.instrument, spec.side, spec.type, spec.time_in_force, spec.qty,
            spec.price, spec.reduce_only, self.now, updated=self.now,
        )  # fmt: skip
        self.orders[spec.link_id] = order
        if spec.time_in_force is TimeInForce.POST_ONLY and post_only_crosses:
            order.status, order.reject = OrderStatus.CANCELLED, "EC_PostOnlyWillTakeLiquidity"
        self._say_order(order)
        return self._answer(spec.link_id, Action.CREATE, 0, Reaction.OK, order.order_id)

    def _cancel(self, command: CancelOrder) -> OrderAnswered:
        order = self.find(command.link_id, command.order_id)
        if order is None or not order.is_open:
            return self._answer(command.link_id, Action.CANCEL, 110001, Reaction.RECONCILE)
        self.cancel(order)
        return self._answer(command.link_id, Action.CANCEL, 0, Reaction.OK, order.order_id)

    def _amend(self, command: RiskApproved) -> OrderAnswered:
        asked = command.amendment
        assert asked is not None
        order = self.find(asked.link_id, asked.order_id)
        if order is None or not order.is_open:
            return self._answer(asked.link_id, Action.AMEND, 110001, Reaction.RECONCILE)
        if asked.qty is not None and asked.qty <= order.cum_qty:
            return self._answer(asked.link_id, Action.AMEND, 110022, Reaction.RECONCILE)
        order.qty = asked.qty if asked.qty is not None else order.qty
        order.price = asked.price if asked.price is not None else order.price
        order.updated = self.now
        self._say_order(order)
        return self._answer(asked.link_id, Action.AMEND, 0, Reaction.OK, order.order_id)

    def _answer(self, link: str, action: Action, code: int, reaction: Reaction, order_id: str = "") -> OrderAnswered:
        return OrderAnswered(self.now, link, action, code, "", reaction, order_id)

    def silence(self, command: RiskApproved | CancelOrder) -> OrderAnswered:
        """What the connector reports when no answer came."""
        return OrderAnswered(self.now, link_of(command), action_of(command), -1, "no answer", Reaction.RECONCILE)

    def find(self, link_id: str, order_id: str = "") -> Resting | None:
        order = self.orders.get(link_id)
        if order is None and order_id:
            order = next((o for o in self.orders.values() if o.order_id == order_id), None)
        return order

    # --- what happens at the venue

    def open_orders(self) -> list[Resting]:
        return [o for o in self.orders.values() if o.is_open]

    def place_foreign(self, instrument: InstrumentId, side: Side, qty: Decimal, price: Decimal) -> Resting:
        """Somebody else uses the same account by hand."""
        self.tick()
        self._ids += 1
        order = Resting(
            "", f"venue-{self._ids}", instrument, side, OrderType.LIMIT, TimeInForce.GTC, qty, price, False, self.now,
            updated=self.now,
        )  # fmt: skip
        self.orders[order.order_id] = order
        self._say_order(order)
        return order

    def cancel(self, order: Resting) -> None:
        self.tick()
        partly = order.cum_qty and order.instrument.category.value == "spot"
        order.status = OrderStatus.PARTIALLY_FILLED_CANCELED if partly else OrderStatus.CANCELLED
        order.updated = self.now
        self._say_order(order)

    def fill(self, order: Resting, qty: Decimal, price: Decimal, maker: bool = False) -> None:
        """Trade part of an order; a reduce-only order that would flip the position is cancelled instead."""
        assert order.is_open
        assert 0 < qty <= order.leaves
        self.tick()
        size = self.sizes.get(order.instrument, Fraction(0))
        if order.reduce_only and (size * order.side.sign >= 0 or abs(size) < Fraction(qty)):
            self.cancel(order)
            return
        execution = self._execute(order, qty, price, maker)
        order.cum_qty += qty
        order.cum_value += qty * price
        order.status = OrderStatus.FILLED if not order.leaves else OrderStatus.PARTIALLY_FILLED
        order.updated = self.now
        self.executions.append(execution)
        self.said.append(Executed(self.now, execution))
        self._say_order(order)

    def _execute(self, order: Resting, qty: Decimal, price: Decimal, maker: bool) -> Execution:
        info = self.instruments[order.instrument]
        sign, q, p = order.side.sign, Fraction(qty), Fraction(price)
        if info.is_spot:
            in_base = order.side is Side.BUY
            fee = eight(q * FEE if in_base else q * p * FEE)
            coin = info.base_coin if in_base else info.quote_coin
            self._pay(info.base_coin, sign * q)
            self._pay(info.quote_coin, -sign * q * p)
            pnl, closed = None, Fraction(0)
        else:
            fee, coin = eight(q * p * FEE), info.settle_coin
            pnl, closed = self._move(order.instrument, sign * q, p)
            self._pay(coin, pnl)
        self._pay(coin, -fee)
        self.fees_paid += fee
        self._ids += 1
        stated = decimal(pnl) if pnl is not None and self.states_pnl else None
        return Execution(
            f"exec-{self._ids:06d}", order.instrument, order.order_id, order.link_id, order.side, price, qty,
            qty * price, decimal(fee), coin, maker, self.now, "Trade", decimal(closed), stated,
        )  # fmt: skip

    def _move(self, instrument: InstrumentId, qty: Fraction, price: Fraction) -> tuple[Fraction, Fraction]:
        """Profit and closed size of a trade of signed ``qty`` (decision 16)."""
        size, cost = self.sizes.get(instrument, Fraction(0)), self.costs.get(instrument, Fraction(0))
        closed = min(abs(qty), abs(size)) if size * qty < 0 else Fraction(0)
        if not closed:
            pnl = Fraction(0)
        elif closed == abs(size):
            pnl = size * price - cost
        else:
            share = closed / abs(size)
            pnl = eight(size * share * price - cost * share)
        self.sizes[instrument] = size + qty
        self.costs[instrument] = cost + qty * price + pnl
        return pnl, closed

    def fund(self, instrument: InstrumentId, rate: Fraction, mark: Decimal) -> None:
        """Settle funding; longs pay a positive rate."""
        self.tick()
        size = self.sizes.get(instrument, Fraction(0))
        if not size:
            return
        fee = eight(size * Fraction(mark) * rate)
        self._pay(self.instruments[instrument].settle_coin, -fee)
        self.funding_paid += fee
        self._ids += 1
        execution = Execution(
            f"exec-{self._ids:06d}", instrument, f"funding-{self._ids}", "", Side.BUY if size > 0 else Side.SELL, mark,
            abs(decimal(size)), abs(decimal(size)) * mark, decimal(fee), "USDT", False, self.now, "Funding",
        )  # fmt: skip
        self.executions.append(execution)
        self.said.append(Executed(self.now, execution))

    def transfer(self, coin: str, amount: Decimal) -> None:
        """Money comes or goes; only the transaction log tells."""
        self.tick()
        self._pay(coin, Fraction(amount))
        self._ids += 1
        self.ledger.append(LedgerRow(f"log-{self._ids}", "TRANSFER_IN", coin, amount, self.now))

    def _pay(self, coin: str, amount: Fraction) -> None:
        self.cash[coin] = self.cash.get(coin, Fraction(0)) + amount

    # --- statements

    def _say_order(self, order: Resting) -> None:
        self.said.append(OrderReported(self.now, report(order)))

    def reconciled(self, since: int) -> Reconciled:
        """Everything the venue knows, read at one moment."""
        kept = [o for o in self.orders.values() if o.is_open or o.updated >= since]
        return Reconciled(
            self.now,
            self.now,
            tuple(report(o) for o in kept),
            tuple(e for e in self.executions if e.ts >= since),
            self.positions(),
            self.balances(),
            tuple(r for r in self.ledger if r.ts >= since),
        )

    def looked_up(self, link_id: str, conclusive: bool) -> OrderLookedUp:
        order = self.orders.get(link_id)
        fills = tuple(e for e in self.executions if e.link_id == link_id)
        return OrderLookedUp(self.now, link_id, conclusive, report(order) if order else None, fills)

    def positions(self) -> tuple[PositionReport, ...]:
        return tuple(
            PositionReport(i, decimal(s), (decimal(self.costs[i]) / decimal(s)) if s else None)
            for i, s in self.sizes.items()
        )

    def balances(self) -> tuple[BalanceReport, ...]:
        return tuple(BalanceReport(c, decimal(a)) for c, a in self.cash.items())


def report(order: Resting) -> OrderReport:
    """The order as stream and polls state it."""
    average = order.cum_value / order.cum_qty if order.cum_qty else None
    return OrderReport(
        order.instrument, order.order_id, order.link_id, order.side, order.type, order.tif, order.qty, order.price,
        order.status, order.cum_qty, order.cum_value, average, order.updated, order.created, order.reduce_only,
        reject_reason=order.reject,
    )  # fmt: skip


def link_of(command: RiskApproved | CancelOrder) -> str:
    """Which order a request is about."""
    if isinstance(command, CancelOrder):
        return command.link_id
    if command.order is not None:
        return command.order.link_id
    assert command.amendment is not None
    return command.amendment.link_id


def action_of(command: RiskApproved | CancelOrder) -> Action:
    """What a request asks for."""
    if isinstance(command, CancelOrder):
        return Action.CANCEL
    return Action.CREATE if command.order is not None else Action.AMEND


def half_even_agrees() -> bool:
    """The oracle's own rounding against the standard library's, on ties of both parities."""
    return all(
        Fraction(Decimal(n).scaleb(-9).quantize(Decimal("1e-8"), rounding=ROUND_HALF_EVEN)) == eight(Fraction(n, 10**9))
        for n in (-25, -15, -5, 5, 15, 25, 26, 24)
    )
