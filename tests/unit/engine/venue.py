"""A venue written the slow obvious way: it keeps orders, positions and wallets exactly and remembers all it ever said.

Nothing is delivered by itself: each request returns its answer, each change leaves its messages in ``said``; the
flow decides what arrives when, how often, or never.
"""

from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

from msgspec.structs import replace

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
    StopAnswered,
)
from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.model.orders import (
    Execution,
    OrderReport,
    OrderStatus,
    OrderType,
    Protection,
    Side,
    TimeInForce,
    TradingStop,
    Trigger,
)
from tradectl.model.positions import BalanceReport, LedgerRow, PositionReport

FEE = Fraction(55, 100_000)
#: A position: one of one-way mode by its instrument, a hedge leg with its index.
Place = InstrumentId | tuple[InstrumentId, int]
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


def place_of(instrument: InstrumentId, idx: int) -> Place:
    return (instrument, idx) if idx else instrument


def worth(info: Instrument, qty: Fraction, price: Fraction) -> Fraction:
    """What holding signed ``qty`` is worth: of inverse contracts coins are owed, to eight decimals."""
    return -eight(qty / price) if info.id.category is Category.INVERSE else qty * price


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
    quote_qty: bool = False
    trigger: Trigger | None = None
    protection: Protection | None = None
    close_on_trigger: bool = False
    position_idx: int = 0
    parent: str = ""
    stop_type: str = ""
    cancel_type: str = ""
    pair: str = ""  # the order id of the other leg of an attached pair

    @property
    def is_dormant(self) -> bool:
        return self.status is OrderStatus.UNTRIGGERED

    @property
    def place(self) -> Place:
        return place_of(self.instrument, self.position_idx)

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
    sizes: dict[Place, Fraction] = field(default_factory=dict)
    costs: dict[Place, Fraction] = field(default_factory=dict)
    executions: list[Execution] = field(default_factory=list)
    ledger: list[LedgerRow] = field(default_factory=list)
    said: list[Event] = field(default_factory=list)
    creates: dict[str, int] = field(default_factory=dict)
    fees_paid: Fraction = Fraction(0)
    funding_paid: dict[InstrumentId, Fraction] = field(default_factory=dict)
    position_stops: dict[tuple[InstrumentId, int], TradingStop] = field(default_factory=dict)
    loses_stops: bool = False  # attached stops are not made: what the venue owes never comes
    _ids: int = 0

    def tick(self, step: int = 1_000_000) -> int:
        self.now += step
        return self.now

    # --- requests

    def receive(
        self, command: RiskApproved | CancelOrder, post_only_crosses: bool = False
    ) -> OrderAnswered | StopAnswered:
        """Carry out one order request now; returns the gateway's answer."""
        self.tick()
        if isinstance(command, CancelOrder):
            return self._cancel(command)
        if command.order is not None:
            return self._create(command, post_only_crosses)
        if command.stop is not None:
            return self._set_stops(command.stop)
        return self._amend(command)

    def _set_stops(self, stop: TradingStop) -> StopAnswered:
        if not self.sizes.get(place_of(stop.instrument, stop.position_idx)):
            return StopAnswered(self.now, stop.instrument, stop.position_idx, 10001, "zero position", Reaction.FIX)
        old = self.position_stops.get((stop.instrument, stop.position_idx))
        fields = ("take_profit", "stop_loss", "trailing", "active_price")
        changes = {n: getattr(old, n) for n in fields if old is not None and getattr(stop, n) is None}
        self.position_stops[stop.instrument, stop.position_idx] = replace(stop, **changes)
        return StopAnswered(self.now, stop.instrument, stop.position_idx, 0, "OK", Reaction.OK)

    def _create(self, command: RiskApproved, post_only_crosses: bool) -> OrderAnswered:
        spec = command.order
        assert spec is not None
        self.creates[spec.link_id] = self.creates.get(spec.link_id, 0) + 1
        size = self.sizes.get(place_of(spec.instrument, spec.position_idx), Fraction(0))
        if spec.position_idx:
            opens = (spec.side is Side.BUY) == (spec.position_idx == 1)
            assert opens is not spec.reduce_only, "an order in hedge mode opens its leg or is reduce-only"
        if spec.reduce_only and size * spec.side.sign >= 0:
            return self._answer(spec.link_id, Action.CREATE, 110017, Reaction.RECONCILE)
        self._ids += 1
        order = Resting(
            spec.link_id, f"venue-{self._ids}", spec.instrument, spec.side, spec.type, spec.time_in_force, spec.qty,
            spec.price, spec.reduce_only, self.now, updated=self.now, quote_qty=spec.quote_qty, trigger=spec.trigger,
            protection=spec.protection, close_on_trigger=spec.close_on_trigger, position_idx=spec.position_idx,
        )  # fmt: skip
        self.orders[spec.link_id] = order
        if spec.trigger is not None:
            order.status = OrderStatus.UNTRIGGERED
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
        if asked.trigger_price is not None:
            if not order.is_dormant or order.trigger is None:
                return self._answer(asked.link_id, Action.AMEND, 110010, Reaction.RECONCILE)
            order.trigger = Trigger(asked.trigger_price, order.trigger.rises, order.trigger.by)
        if asked.take_profit is not None or asked.stop_loss is not None:
            p = order.protection or Protection()
            order.protection = replace(
                p,
                take_profit=p.take_profit if asked.take_profit is None else asked.take_profit or None,
                stop_loss=p.stop_loss if asked.stop_loss is None else asked.stop_loss or None,
            )
        self._part(order)
        order.updated = self.now
        self._say_order(order)
        return self._answer(asked.link_id, Action.AMEND, 0, Reaction.OK, order.order_id)

    def _part(self, order: Resting) -> None:
        """A change of one exit makes two orders of a pair that know nothing of each other."""
        other = self.orders.get(order.pair)
        if other is not None:
            order.pair = other.pair = ""

    def _answer(self, link: str, action: Action, code: int, reaction: Reaction, order_id: str = "") -> OrderAnswered:
        return OrderAnswered(self.now, link, action, code, "", reaction, order_id)

    def silence(self, command: RiskApproved | CancelOrder) -> OrderAnswered | StopAnswered:
        """What the connector reports when no answer came."""
        if isinstance(command, RiskApproved) and command.stop is not None:
            stop = command.stop
            return StopAnswered(self.now, stop.instrument, stop.position_idx, -1, "no answer", Reaction.RECONCILE)
        return OrderAnswered(self.now, link_of(command), action_of(command), -1, "no answer", Reaction.RECONCILE)

    def find(self, link_id: str, order_id: str = "") -> Resting | None:
        order = self.orders.get(link_id)
        if order is None and order_id:
            order = next((o for o in self.orders.values() if o.order_id == order_id), None)
        return order

    # --- what happens at the venue

    def open_orders(self) -> list[Resting]:
        return [o for o in self.orders.values() if o.is_open]

    def place_foreign(
        self, instrument: InstrumentId, side: Side, qty: Decimal, price: Decimal, idx: int = 0
    ) -> Resting:
        """Somebody else uses the same account by hand."""
        self.tick()
        self._ids += 1
        order = Resting(
            "", f"venue-{self._ids}", instrument, side, OrderType.LIMIT, TimeInForce.GTC, qty, price, False, self.now,
            updated=self.now, position_idx=idx,
        )  # fmt: skip
        self.orders[order.order_id] = order
        self._say_order(order)
        return order

    def cancel(self, order: Resting, why: str = "") -> None:
        self.tick()
        partly = order.cum_qty and order.instrument.category.value == "spot"
        order.status = OrderStatus.PARTIALLY_FILLED_CANCELED if partly else OrderStatus.CANCELLED
        order.updated, order.cancel_type = self.now, why
        self._say_order(order)

    def trigger(self, order: Resting) -> None:
        """The price a conditional order waits for is there: it becomes an order like any other."""
        assert order.is_dormant
        self.tick()
        size = abs(self.sizes.get(order.place, Fraction(0)))
        if order.reduce_only and not self._reduces(order):
            self.cancel(order, "CancelByReduceOnly")
            return
        if order.reduce_only and size < Fraction(order.qty):
            order.qty = decimal(size)
        order.status, order.updated = OrderStatus.NEW, self.now
        self._say_order(order)

    def _reduces(self, order: Resting) -> bool:
        return self.sizes.get(order.place, Fraction(0)) * order.side.sign < 0

    def _attach(self, entry: Resting, qty: Decimal) -> None:
        """The stops of what an entry just filled: two orders of the venue's own, of which one ends the other."""
        p = entry.protection
        if p is None or self.loses_stops or entry.instrument.category.value == "spot":
            return
        made = [
            self._child(entry, qty, name, level, rises)
            for name, level, rises in (
                ("PartialStopLoss", p.stop_loss, entry.side is Side.SELL),
                ("PartialTakeProfit", p.take_profit, entry.side is Side.BUY),
            )
            if level is not None
        ]
        if len(made) == 2:
            made[0].pair, made[1].pair = made[1].order_id, made[0].order_id
        for child in made:
            self._say_order(child)

    def _child(self, entry: Resting, qty: Decimal, name: str, level: Decimal, rises: bool) -> Resting:
        self._ids += 1
        child = Resting(
            "", f"venue-{self._ids}", entry.instrument, entry.side.opposite, OrderType.MARKET, TimeInForce.IOC, qty,
            None, True, self.now, OrderStatus.UNTRIGGERED, updated=self.now, trigger=Trigger(level, rises),
            close_on_trigger=True, position_idx=entry.position_idx, parent=entry.link_id, stop_type=name,
        )  # fmt: skip
        self.orders[child.order_id] = child
        return child

    def _after_fill(self, order: Resting, qty: Decimal) -> None:
        """What a fill does to the stops: a pair shrinks together, and a closed position takes all of its own along."""
        other = self.orders.get(order.pair)
        if other is not None and other.is_open:
            self.tick()
            if qty < other.leaves:
                other.qty -= qty
                other.updated = self.now
                self._say_order(other)
            else:
                self.cancel(other, "CancelByOCOSlCanceledByTpTriggered")
        self._attach(order, qty)
        for child in [o for o in self.open_orders() if o.parent and o.instrument == order.instrument]:
            if not self._reduces(child):
                self.cancel(child, "CancelByTpSlTsClear")
        if not self.sizes.get(order.place):
            self.position_stops.pop((order.instrument, order.position_idx), None)

    def fill(self, order: Resting, qty: Decimal, price: Decimal, maker: bool = False) -> None:
        """Trade part of an order; a reduce-only order that would flip the position is cancelled instead."""
        assert order.is_open
        assert not order.is_dormant
        assert 0 < qty <= order.leaves or order.quote_qty
        self.tick()
        size = self.sizes.get(order.place, Fraction(0))
        if order.reduce_only and (size * order.side.sign >= 0 or abs(size) < Fraction(qty)):
            self.cancel(order)
            return
        execution = self._execute(order, qty, price, maker)
        order.cum_qty += qty
        order.cum_value += execution.value
        whole = order.cum_value == order.qty if order.quote_qty else not order.leaves
        order.status = OrderStatus.FILLED if whole else OrderStatus.PARTIALLY_FILLED
        order.updated = self.now
        self.executions.append(execution)
        self.said.append(Executed(self.now, execution))
        self._say_order(order)
        self._after_fill(order, qty)

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
            fee, coin = eight(abs(worth(info, q, p)) * FEE), info.settle_coin
            pnl, closed = self._move(order.place, info, sign * q, p)
            self._pay(coin, pnl)
        self._pay(coin, -fee)
        self.fees_paid += fee
        self._ids += 1
        stated = decimal(pnl) if pnl is not None and self.states_pnl else None
        return Execution(
            f"exec-{self._ids:06d}", order.instrument, order.order_id, order.link_id, order.side, price, qty,
            decimal(abs(worth(info, q, p))), decimal(fee), coin, maker, self.now, "Trade", decimal(closed), stated,
            stop_order_type=order.stop_type, create_type=f"CreateBy{order.stop_type or 'User'}",
        )  # fmt: skip

    def _move(self, place: Place, info: Instrument, qty: Fraction, price: Fraction) -> tuple[Fraction, Fraction]:
        """Profit and closed size of a trade of signed ``qty`` (decision 16)."""
        size, cost = self.sizes.get(place, Fraction(0)), self.costs.get(place, Fraction(0))
        closed = min(abs(qty), abs(size)) if size * qty < 0 else Fraction(0)
        if not closed:
            pnl = Fraction(0)
        elif closed == abs(size):
            pnl = worth(info, size, price) - cost
        else:
            pnl = eight(-worth(info, qty, price) - cost * closed / abs(size))
        self.sizes[place] = size + qty
        self.costs[place] = cost + worth(info, qty, price) + pnl
        return pnl, closed

    def fund(self, instrument: InstrumentId, rate: Fraction, mark: Decimal) -> None:
        """Settle funding; longs pay a positive rate."""
        self.tick()
        for idx in (0, 1, 2):
            size = self.sizes.get(place_of(instrument, idx), Fraction(0))
            if size:
                self._fund_one(instrument, size, rate, mark)

    def _fund_one(self, instrument: InstrumentId, size: Fraction, rate: Fraction, mark: Decimal) -> None:
        info = self.instruments[instrument]
        value = worth(info, size, Fraction(mark))
        inverse = info.id.category is Category.INVERSE
        fee = eight((-value if inverse else value) * rate)
        self._pay(info.settle_coin, -fee)
        self.funding_paid[instrument] = self.funding_paid.get(instrument, Fraction(0)) + fee
        self._ids += 1
        execution = Execution(
            f"exec-{self._ids:06d}", instrument, f"funding-{self._ids}", "", Side.BUY if size > 0 else Side.SELL, mark,
            abs(decimal(size)), abs(decimal(value)), decimal(fee), info.settle_coin, False, self.now, "Funding",
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

    def looked_up(self, link_id: str, conclusive: bool, order_id: str = "") -> OrderLookedUp:
        order = self.orders.get(order_id or link_id)
        found = order.order_id if order is not None else ""
        fills = tuple(e for e in self.executions if e.order_id == found)
        return OrderLookedUp(self.now, link_id, conclusive, report(order) if order else None, fills, order_id=order_id)

    def positions(self) -> tuple[PositionReport, ...]:
        return tuple(
            PositionReport(
                i, decimal(s), (decimal(self.costs[place]) / decimal(s)) if s else None, idx,
                take_profit=stop.take_profit, stop_loss=stop.stop_loss, trailing=stop.trailing,
            )
            for place, s in self.sizes.items()
            for i, idx in [place if isinstance(place, tuple) else (place, 0)]
            for stop in [self.position_stops.get((i, idx), TradingStop(i))]
        )  # fmt: skip

    def balances(self) -> tuple[BalanceReport, ...]:
        return tuple(BalanceReport(c, decimal(a)) for c, a in self.cash.items())


def report(order: Resting) -> OrderReport:
    """The order as stream and polls state it."""
    average = order.cum_value / order.cum_qty if order.cum_qty else None
    return OrderReport(
        order.instrument, order.order_id, order.link_id, order.side, order.type, order.tif, order.qty, order.price,
        order.status, order.cum_qty, order.cum_value, average, order.updated, order.created, order.reduce_only,
        order.cancel_type, order.reject, order.stop_type or ("Stop" if order.trigger else ""),
        order.trigger.price if order.trigger else None, order.trigger, order.close_on_trigger, order.protection,
        order.position_idx, order.parent,
    )  # fmt: skip


def link_of(command: RiskApproved | CancelOrder) -> str:
    """Which order a request is about."""
    if isinstance(command, CancelOrder):
        return command.link_id
    if command.order is not None:
        return command.order.link_id
    if command.stop is not None:
        return f"stop:{command.stop.instrument}"
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
