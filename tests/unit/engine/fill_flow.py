"""Random orders and what becomes of them, told to several engines at once: all must say and end as the first."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from tests.unit.engine.flow import Choices, Idle
from tests.unit.engine.harness import (
    BTC,
    ETH,
    FEES,
    INSTRUMENTS,
    RUN,
    SECOND,
    SPOT,
    T0,
    encoded,
    falling_due,
    venue_commands,
)
from tradectl.engine.strategy import Strategy
from tradectl.engine.trading_engine import TradingEngine
from tradectl.model.commands import (
    CancelTimer,
    Command,
    ExecutionBooked,
    LookUpOrder,
    OrderChanged,
    Reconcile,
    RiskApproved,
    SetTimer,
)
from tradectl.model.events import (
    Action,
    AlgorithmRequested,
    AmendRequested,
    CancelRequested,
    CloseRequested,
    ConnectionChanged,
    Event,
    Executed,
    InstrumentsLoaded,
    OrderAnswered,
    OrderLookedUp,
    OrderReported,
    OrderRequested,
    ProtectRequested,
    QuoteChanged,
    Reaction,
    Reconciled,
    ResumeRequested,
    Started,
    TickerChanged,
    TimerFired,
)
from tradectl.model.instruments import InstrumentId
from tradectl.model.market_data import Ticker
from tradectl.model.money import ZERO, to_coin
from tradectl.model.orders import (
    Execution,
    OrderReport,
    OrderSpec,
    OrderStatus,
    OrderType,
    Protection,
    Side,
    Trigger,
)
from tradectl.model.positions import BalanceReport, PositionReport

D = Decimal
BOOKS = ("alpha", "beta", "", "alpha")
WHERE = (BTC, BTC, BTC, ETH, BTC, SPOT)
MONEY = (BalanceReport("USDT", D(100_000)), BalanceReport("BTC", D(50)))
_STOPS = Protection(D(120), D(80))


class Eager(Strategy):
    """Hears of its orders and fills, and trades on every third fill it hears of."""

    heard: int = 0

    def on_start(self) -> None:
        self.heard = 0

    def on_order(self, order: OrderChanged) -> None:
        self.heard += 1

    def on_execution(self, fill: ExecutionBooked) -> None:
        self.heard += 1
        if self.heard % 3 == 0:
            self.sell("ETHUSDT", "0.1", reason="a fill was heard of")


CLASSES = {"idle": Idle, "eager": Eager}


class Placed:
    """An order that left for the venue, and how much of it the flow filled."""

    def __init__(self, spec: OrderSpec, number: int) -> None:
        self.spec, self.order_id, self.filled = spec, f"v{number}", ZERO

    @property
    def left(self) -> Decimal:
        return self.spec.qty - self.filled


class FillFlow:
    """One line of time for all engines."""

    def __init__(self, engines: Sequence[TradingEngine], choices: Choices, hedge: bool = False) -> None:
        self.engines, self.choices, self.hedge = engines, choices, hedge
        self.now, self.serial, self.events = T0, 0, 0
        self.placed: list[Placed] = []
        self.told: list[Event] = []
        self.timers: dict[str, int] = {}
        for event in self._opening():
            self.feed(event)

    def _opening(self) -> tuple[Event, ...]:
        return (
            Started(T0, RUN, False, 1), InstrumentsLoaded(T0, INSTRUMENTS, FEES),
            ConnectionChanged(T0, "private", True), ConnectionChanged(T0, "trade", True),
            *(e for i, p in ((BTC, 100.0), (ETH, 10.0), (SPOT, 100.0)) for e in self._prices(i, p)),
        )  # fmt: skip

    def _prices(self, instrument: InstrumentId, price: float) -> tuple[Event, Event]:
        return (
            TickerChanged(self.now, self.now, instrument, Ticker(price, price, price)),
            QuoteChanged(self.now, self.now, instrument, price - 0.1, 5.0, price + 0.1, 5.0),
        )

    # --- delivery

    def feed(self, event: Event) -> None:
        """Tell all; what they say, what they wrote down and what they keep beside it must be the same."""
        self.now = max(self.now, event.received)
        first, *others = [engine.apply(event) for engine in self.engines]
        self.events += 1
        state = self.engines[0].checkpoint()
        for engine, out in zip(self.engines[1:], others, strict=True):
            assert encoded(out) == encoded(first), event
            assert engine.checkpoint() == state, event
            if self.events % 5 == 0:  # asking for the indexes makes them: a lone order is to be left alone at times
                assert kept_beside(engine) == kept_beside(self.engines[0]), event
        self._carry(first)

    def _carry(self, out: tuple[Command, ...]) -> None:
        for command in out:
            if isinstance(command, SetTimer):
                self.timers[command.timer] = command.at
            elif isinstance(command, CancelTimer):
                self.timers.pop(command.timer, None)
        for request in venue_commands(out):
            if isinstance(request, RiskApproved) and request.order is not None:
                self.serial += 1
                self.placed.append(Placed(request.order, self.serial))
            elif isinstance(request, LookUpOrder):
                self.feed(OrderLookedUp(self.now, request.link_id, True, self._looked_up(request.link_id)))
            elif isinstance(request, Reconcile):
                self.feed(self._reconciled())

    def _looked_up(self, link: str) -> OrderReport | None:
        found = next((it for it in self.placed if it.spec.link_id == link), None)
        return self._report(found, self._status(found)) if found is not None else None

    def _reconciled(self) -> Reconciled:
        """The venue agrees with whatever the books say."""
        state = self.engines[0].world.portfolio.state
        if not state.baselined:
            return Reconciled(self.now, self.now, balances=MONEY)
        held = [
            PositionReport(i, book.size, book.cost / book.size if book.size else None)
            for i, book in state.nets.items()
            if i != SPOT
        ]
        reports = [self._report(it, self._status(it)) for it in self.placed if it.left > 0]
        balances = tuple(BalanceReport(coin, amount) for coin, amount in state.cash.items())
        return Reconciled(self.now, self.now, tuple(reports), (), tuple(held), balances)

    # --- what happens

    def step(self) -> None:
        """One drawn happening."""
        steps = (
            self.order, self.whole, self.order, self.whole, self.part, self.report, self.repeat, self.price,
            self.order, self.whole, self.order, self.whole, self.answer, self.time, self.seldom,
        )  # fmt: skip
        steps[self.choices.pick(len(steps))]()

    def seldom(self) -> None:
        (self.stranger, self.funding, self.ask, self.time, self.unfollowed)[self.choices.pick(5)]()

    def unfollowed(self) -> None:
        """Nothing is subscribed to any more: what is held must be followed again."""
        for engine in self.engines:
            engine.host.following.subscribed.clear()

    def _side(self) -> Side:
        return Side.BUY if self.choices.pick(2) else Side.SELL

    def _lots(self) -> Decimal:
        return (D("0.1"), D("0.10"), D("0.300"), D(1), D("1E+1"), D("0.7"))[self.choices.pick(6)]

    def order(self) -> None:
        """A person's order in somebody's name: mostly a plain market order."""
        kind, side, instrument = self.choices.pick(12), self._side(), WHERE[self.choices.pick(len(WHERE))]
        limit, stop = kind == 0, kind == 1
        protection = _STOPS if kind in (2, 3) and instrument == BTC and side is Side.BUY else None
        trigger = Trigger(D(110), True) if stop and side is Side.BUY else Trigger(D(90), False) if stop else None
        self.feed(
            OrderRequested(
                self.now,
                "me",
                instrument,
                side,
                OrderType.LIMIT if limit else OrderType.MARKET,
                self._lots(),
                D(100) if limit else None,
                reduce_only=kind == 4,
                strategy=BOOKS[self.choices.pick(4)],
                trigger=trigger,
                protection=protection,
            )
        )

    def _open(self) -> Placed | None:
        left = [it for it in self.placed if it.left > 0]
        return left[self.choices.pick(len(left))] if left else None

    def whole(self) -> None:
        """What is left of an order fills at once; its report comes before, after, or not at all."""
        it = self._open()
        if it is not None:
            self._fill(it, it.left, self.choices.pick(4))

    def part(self) -> None:
        it = self._open()
        if it is not None:
            self._fill(it, it.left / 2, 2 + self.choices.pick(2))

    def _fill(self, it: Placed, qty: Decimal, order: int) -> None:
        it.filled += qty
        told = [self._execution(it, qty), OrderReported(self.now, self._report(it, self._status(it)))]
        for event in (told, told[::-1], told[:1], told[:1])[order]:
            self.feed(event)

    @staticmethod
    def _status(it: Placed) -> OrderStatus:
        if not it.left:
            return OrderStatus.FILLED
        return OrderStatus.PARTIALLY_FILLED if it.filled else OrderStatus.NEW

    def _execution(self, it: Placed, qty: Decimal) -> Executed:
        spec, draw = it.spec, self.choices.pick
        self.serial += 1
        price = D(10 if spec.instrument == ETH else 100) + D(draw(9) - 4) / (10 if draw(2) else 1)
        coin = ("BTC", "", "MNT")[draw(3)] if not draw(12) else "USDT"
        fee = to_coin(qty * price * D("0.00055")) if coin != "BTC" else D("0.00001")
        pnl = to_coin(qty * (draw(9) - 4)) if not draw(3) else None
        at = self.now - (SECOND * draw(30) if not draw(6) else 0)
        done = Execution(
            f"e{self.serial}", spec.instrument, it.order_id, spec.link_id, spec.side, price, qty, qty * price,
            fee * (-1 if not draw(8) else 1), coin, False, at, pnl=pnl,
        )  # fmt: skip
        event = Executed(self.now, done)
        self.told.append(event)
        return event

    def _report(self, it: Placed, status: OrderStatus) -> OrderReport:
        s = it.spec
        return OrderReport(
            s.instrument, it.order_id, s.link_id, s.side, s.type, s.time_in_force, s.qty, s.price, status, it.filled,
            it.filled * 100, D(100), self.now, reduce_only=s.reduce_only,
        )  # fmt: skip

    def report(self) -> None:
        """An order is new, or is cancelled with what of it is filled."""
        it = self._open()
        if it is not None:
            over = self.choices.pick(4) == 0
            status = OrderStatus.CANCELLED if over else self._status(it)
            if over:
                self.placed.remove(it)
            self.feed(OrderReported(self.now, self._report(it, status)))

    def answer(self) -> None:
        it = self._open()
        if it is not None:
            reaction = (Reaction.RECONCILE, Reaction.FIX, *[Reaction.OK] * 6)[self.choices.pick(8)]
            self.feed(OrderAnswered(self.now, it.spec.link_id, Action.CREATE, 0, "", reaction, it.order_id))

    def repeat(self) -> None:
        if self.told:
            self.feed(self.told[self.choices.pick(len(self.told))])

    def stranger(self) -> None:
        """A fill of an order nobody asked for, perhaps under an id of ours, perhaps a forced close."""
        link = ("", f"{RUN}-nobody", self.placed[0].spec.link_id if self.placed else "")[self.choices.pick(3)]
        spec = OrderSpec(link, BTC, self._side(), OrderType.MARKET, self._lots())
        event = self._execution(Placed(spec, 10_000 + self.serial), spec.qty)
        self.feed(event)

    def ask(self) -> None:
        """Something that makes the next fill less plain."""
        book, it = BOOKS[self.choices.pick(3)], self._open()
        link = it.spec.link_id if it is not None else "nobody"
        asked: Mapping[int, Event] = {
            0: CloseRequested(self.now, "me", BTC, book or "operator"),
            1: ProtectRequested(self.now, "me", BTC, book or "operator", stop_loss=D(70)),
            2: AlgorithmRequested(self.now, "me", "iceberg", BTC, Side.BUY, D(2), {"clip": "0.5"}, "alpha"),
            3: AmendRequested(self.now, "me", link, qty=D("0.4")),
            4: CancelRequested(self.now, "me", link),
            5: ResumeRequested(self.now, "me"),
            6: ProtectRequested(self.now, "me", BTC, book or "operator", stop_loss=ZERO, take_profit=ZERO),
        }
        self.feed(asked[self.choices.pick(len(asked))])

    def funding(self) -> None:
        self.serial += 1
        fee, idx = D(self.choices.pick(9) - 4) / 1000, f"f{self.serial}"
        self.feed(
            Executed(
                self.now,
                Execution(idx, BTC, "", "", Side.SELL, D(100), D(1), D(100), fee, "USDT", False, self.now, "Funding"),
            )
        )

    def price(self) -> None:
        instrument, away = (BTC, ETH)[self.choices.pick(2)], self.choices.pick(9) - 4
        for event in self._prices(instrument, 100.0 + away / 2 if instrument == BTC else 10.0 + away / 20):
            self.feed(event)

    def time(self) -> None:
        """Time passes, and every timer that falls due fires, in order."""
        end = self.now + SECOND * (1, 3, 20)[self.choices.pick(3)]
        for name, due in falling_due(self.timers, end):
            self.feed(TimerFired(max(due, self.now), name, due))
        self.now = end


def kept_beside(engine: TradingEngine) -> tuple[object, ...]:
    """What is no part of a checkpoint and still decides what is said next."""
    w = engine.world
    return (
        w.moved, dict(w.link_of), list(w.open.orders), w.open.open_count, w.open.unknown_count, w.open.stop_count,
        dict(w.dirty_orders), dict(w.dirty_books), dict(w.dirty_coins), list(w.deliveries), w.state_dirty,
        [w.in_flight(i, sign) for i in (BTC, ETH, SPOT) for sign in (1, -1)],
    )  # fmt: skip
