"""A bench whose venue answers at once: market orders fill whole at the touch, limits rest until they are filled."""

from collections.abc import Mapping
from decimal import Decimal

from tests.unit.engine.harness import BTC, ETH, INSTRUMENTS, MONEY, SPOT, T0, Bench, fractions, make_bar
from tests.unit.engine.venue import FakeVenue
from tradectl.engine.config import EngineConfig
from tradectl.engine.strategy import Strategy
from tradectl.model.commands import CancelOrder, Command, LookUpOrder, Reconcile, RequestBars, RiskApproved
from tradectl.model.events import BarsLoaded, Event
from tradectl.model.money import exact
from tradectl.model.orders import OrderType


class Live:
    """Engine and venue in one line of time."""

    def __init__(
        self,
        cfg: EngineConfig,
        classes: Mapping[str, type[Strategy]],
        price: float = 100.0,
        past: Mapping[int, float] | None = None,
    ) -> None:
        self.bench = Bench(cfg, classes)
        self.venue = FakeVenue({i.id: i for i in INSTRUMENTS}, fractions(MONEY), T0)
        self.past: dict[int, float] = dict(past or {})
        self.price = price
        self._deliver(self.bench.start())
        self.quote(price)

    def feed(self, event: Event) -> None:
        """One event and everything that follows from it."""
        self._deliver([*self.bench.feed(event)])

    def quote(self, price: float) -> None:
        """The same price for every instrument."""
        self.price = price
        for id_ in (BTC, ETH, SPOT):
            self._deliver(self.bench.quote(id_, price))
        self._fire()

    def _fire(self) -> None:
        """Conditional orders whose price is there are triggered, and market ones among them fill."""
        at = exact(self.price)
        for order in [o for o in self.venue.open_orders() if o.is_dormant]:
            trigger = order.trigger
            if (
                trigger is not None
                and order.is_dormant
                and (at >= trigger.price if trigger.rises else at <= trigger.price)
            ):
                self.venue.trigger(order)
                self._match(order.link_id or order.order_id)
        self.hear()

    def hear(self) -> None:
        """What the venue said by itself reaches the engine."""
        said, self.venue.said = self.venue.said, []
        for event in said:
            self.feed(event)

    def bar(self, number: int, close: float) -> None:
        """The market moves to ``close`` and the ``number``-th minute ends there."""
        self.quote(close)
        self.past[number] = close
        self._deliver([*self.bench.bar(number, close)])

    def wait(self, nanoseconds: int) -> None:
        """Let time pass."""
        self._deliver(self.bench.wait(nanoseconds))

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
                self._match(command.order.link_id)
            said, venue.said = venue.said, []
            return [answer, *said]
        if isinstance(command, Reconcile):
            return [venue.reconciled(command.since)]
        if isinstance(command, LookUpOrder):
            return [venue.looked_up(command.link_id, True, command.order_id)]
        if isinstance(command, RequestBars):
            bars = tuple(make_bar(n, c) for n, c in sorted(self.past.items()))
            kept = tuple(b for b in bars if b.open_time >= command.since)
            return [BarsLoaded(venue.now, command.instrument, command.interval, kept)]
        return []

    def _match(self, link: str) -> None:
        order = self.venue.orders.get(link)
        if order is not None and order.is_open and order.type is OrderType.MARKET and not order.is_dormant:
            price = exact(self.price)
            self.venue.fill(order, order.qty / price if order.quote_qty else order.leaves, price)

    def position(self, strategy: str) -> Decimal:
        """The strategy's book of BTCUSDT linear."""
        return self.bench.engine.world.portfolio.size(strategy, BTC)
