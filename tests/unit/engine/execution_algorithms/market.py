"""A bench with a market: what rests fills whole when the price reaches it, what takes fills at the touch."""

from decimal import Decimal

from tests.unit.engine.harness import BTC, INSTRUMENTS, WIDE, Bench, config, fractions, ready
from tests.unit.engine.venue import FakeVenue, Resting
from tradectl.engine.config import RiskLimits, StrategyConfig
from tradectl.engine.strategy import Strategy
from tradectl.model.commands import (
    AlgorithmChanged,
    AlgorithmStatus,
    CancelOrder,
    Command,
    LookUpOrder,
    Reconcile,
    RequestAnswered,
    RiskApproved,
)
from tradectl.model.events import AlgorithmCancelRequested, AlgorithmRequested, Event, QuoteChanged, TickerChanged
from tradectl.model.instruments import InstrumentId
from tradectl.model.market_data import Ticker
from tradectl.model.money import exact
from tradectl.model.orders import OrderType, Side, TimeInForce

SECOND = 10**9
MINUTE = 60 * SECOND
MONEY = {"USDT": Decimal(1_000_000), "BTC": Decimal(100)}


class Idle(Strategy):
    """Owns a book and does nothing."""


class Market:
    """One engine, one venue, one price; the spread is one tick on each side."""

    def __init__(self, price: float = 100.0, risk: RiskLimits = WIDE, strategy: type[Strategy] | None = None) -> None:
        alpha = StrategyConfig(name="alpha", class_="alpha")
        self.bench: Bench = ready(config(alpha, risk=risk), {"alpha": strategy or Idle}, price, MONEY)
        self.venue = FakeVenue({i.id: i for i in INSTRUMENTS}, fractions(MONEY), self.bench.now)
        self.price = price
        #: Requests the venue refuses from now on, with this text.
        self.refuses = ""
        self.move(price)

    # --- driving

    def start(
        self, kind: str, side: Side, qty: str, instrument: InstrumentId = BTC, **given: object
    ) -> AlgorithmChanged:
        """Have a person start an algorithm; its first word."""
        before = len(self.changes())
        texts = {name: str(value) for name, value in given.items()}
        self.feed(AlgorithmRequested(self.bench.now, "me", kind, instrument, side, Decimal(qty), texts))
        return self.changes()[before]

    def cancel(self, id_: int) -> RequestAnswered:
        self.feed(AlgorithmCancelRequested(self.bench.now, "me", id_))
        return self.bench.said(RequestAnswered)[-1]

    def feed(self, event: Event) -> None:
        self._deliver(list(self.bench.feed(event)))

    def wait(self, nanoseconds: int) -> None:
        """Let time pass; what falls due is answered before the next timer."""
        end = self.bench.now + nanoseconds
        while self.bench.timers and min(self.bench.timers.values()) <= end:
            due = max(min(self.bench.timers.values()), self.bench.now)
            self._deliver(self.bench.wait(due - self.bench.now))
        self.bench.now = end

    def move(self, price: float) -> None:
        """The market moves: the engine is told, then what rests and is reached fills at its own price."""
        self.price = price
        for id_ in self.venue.instruments:
            now, ticker = self.bench.now, Ticker(price, price, price)
            self.feed(TickerChanged(now, now, id_, ticker))
            self.feed(QuoteChanged(now, now, id_, round(price - 0.1, 1), 5.0, round(price + 0.1, 1), 5.0))
        for order in self.venue.open_orders():
            if not order.is_dormant and order.price is not None and self._reached(order):
                self.venue.fill(order, order.leaves, order.price, maker=True)
        self._hear()

    def _reached(self, order: Resting) -> bool:
        assert order.price is not None
        price = exact(self.price)
        return price <= order.price if order.side is Side.BUY else price >= order.price

    def fill(self, order: Resting, qty: str) -> None:
        """A part of a resting order fills."""
        assert order.price is not None
        self.venue.fill(order, Decimal(qty), order.price, maker=True)
        self._hear()

    def _hear(self) -> None:
        said, self.venue.said = self.venue.said, []
        for event in said:
            self.feed(event)

    def _deliver(self, out: list[Command]) -> None:
        waiting = list(out)
        while waiting:
            command = waiting.pop(0)
            for event in self._answers(command):
                waiting += self.bench.feed(event)

    def _answers(self, command: Command) -> list[Event]:
        venue = self.venue
        venue.now = max(venue.now, self.bench.now)
        if isinstance(command, RiskApproved | CancelOrder):
            answer = venue.receive(command)
            if isinstance(command, RiskApproved) and command.order is not None:
                self._meet(venue.orders[command.order.link_id])
            said, venue.said = venue.said, []
            return [answer, *said]
        if isinstance(command, Reconcile):
            return [venue.reconciled(command.since)]
        if isinstance(command, LookUpOrder):
            return [venue.looked_up(command.link_id, True)]
        return []

    def _meet(self, order: Resting) -> None:
        """A new order against the touch."""
        if not order.is_open or order.is_dormant:
            return
        if self.refuses:
            self.venue.cancel(order, self.refuses)
            return
        touch = exact(self.price) + order.side.sign * Decimal("0.1")
        within = order.price is None or (touch - order.price) * order.side.sign <= 0
        if within and order.tif is TimeInForce.POST_ONLY:
            self.venue.cancel(order, "post-only")
        elif within:
            self.venue.fill(order, order.leaves, touch)
        elif order.tif is TimeInForce.IOC or order.type is OrderType.MARKET:
            self.venue.cancel(order, "ioc")

    # --- looking

    def changes(self) -> list[AlgorithmChanged]:
        return self.bench.said(AlgorithmChanged)

    def last(self, id_: int = 1) -> AlgorithmChanged:
        return [c for c in self.changes() if c.id == id_][-1]

    def resting(self, side: Side | None = None) -> dict[Decimal, Decimal]:
        """Open orders at the venue: quantity left by price."""
        orders = [o for o in self.venue.open_orders() if side in (None, o.side) and not o.is_dormant]
        return {o.price: o.leaves for o in orders if o.price is not None}

    def sizes(self) -> list[Decimal]:
        """The quantities of every order that was sent, in order."""
        return [o.qty for o in self.bench.creates()]

    def position(self, strategy: str = "operator", instrument: InstrumentId = BTC) -> Decimal:
        return self.bench.engine.world.portfolio.size(strategy, instrument)

    def is_over(self, id_: int = 1) -> bool:
        """Ended, and nothing is left behind."""
        ended = self.last(id_).status is not AlgorithmStatus.WORKING
        assert not ended or not [o for o in self.bench.engine.world.open_orders() if o.algorithm == id_]
        return ended
