"""A venue in process: orders trade against candles or streams by the matching rules, and it reports.

Pure: time comes with each call. The driver tells the market (:meth:`SimulatedVenue.step` and its sisters), hands over
the engine's commands when they arrive (:meth:`SimulatedVenue.carry_out`) and takes the events they cause, each to be
told to the engine at its ``received``.
"""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from tradectl.matching.at_once import AtOnce, Sides
from tradectl.matching.exchange import Exchange
from tradectl.matching.records import Fill, FillHappened, Happening, OrderHappened, Refused
from tradectl.matching.walk import Step
from tradectl.model.commands import CancelOrder, Command, LookUpOrder, Reconcile, RequestTickers, RiskApproved
from tradectl.model.events import (
    Action,
    Event,
    Executed,
    OrderLookedUp,
    Reconciled,
    TickersLoaded,
    UniverseRow,
)
from tradectl.model.instruments import Category, FeeRate, Instrument, InstrumentId
from tradectl.model.money import ZERO, exact
from tradectl.model.orders import OrderSpec, OrderStatus, OrderType, Side, TradingStop
from tradectl.simulation.desk import Desk, rates_of, request_of
from tradectl.simulation.display import Display
from tradectl.simulation.happenings import executed, refusal, report_of, reported
from tradectl.simulation.models import Models
from tradectl.simulation.path import stop_on_the_way

UID = "simulated"


class SimulatedVenue:
    """One account at one venue. Everything returned is to be fed to the engine, in order, after ``models.latency``."""

    def __init__(
        self, instruments: Iterable[Instrument], models: Models, *, cash: Mapping[str, Decimal], seed: str,
        leverage: Decimal = Decimal(1), hedge: bool = False, now: int = 0,
    ) -> None:  # fmt: skip
        """``seed`` makes the venue's ids; ``leverage`` is set on every derivative, as far as each allows."""
        self.models = models
        self.instruments = {it.id: it for it in instruments}
        self.exchange = Exchange(
            self.instruments.values(),
            seed=seed,
            publish=frozenset({FillHappened, OrderHappened}),
            remember_links=False,
            plain_ids=True,
        )
        self._desk = Desk(self.exchange, UID)
        self.displays = {it.id: Display(it, models) for it in self.instruments.values()}
        #: Instruments whose price the exchange has not been told; the driver of unwatched bars notes them itself.
        self.behind: dict[InstrumentId, None] = {}
        #: Stands in the last report: each later one is newer, though many fall on one moment.
        self._updated = 0
        #: The driver lets no price stand where something could be liquidated: it asks for :meth:`bounds`.
        self.is_bounded = False
        #: Nobody follows orders on their way: of one that a single fill completes, the fill says everything.
        self.terse = False
        self._lines: dict[InstrumentId, AtOnce] = {}
        #: An order that fills at once may leave the price untold: no other market's way can come between.
        self._is_alone = len(self.displays) == 1
        self.exchange.open_account(UID, models.fees.fees(), now)
        for coin, amount in cash.items():
            self.exchange.deposit(UID, coin, amount, now)
        for it in self.instruments.values():
            if not it.is_spot:
                self._prepare(it, leverage, hedge, now)

    def _prepare(self, it: Instrument, leverage: Decimal, hedge: bool, now: int) -> None:
        if hedge and it.id.category is Category.LINEAR:
            self.exchange.switch_mode(UID, it.id, True, now)
        wanted = min(leverage, it.max_leverage)
        if wanted != self.exchange.position(UID, it.id, 1 if hedge else 0).leverage:
            self.exchange.set_leverage(UID, it.id, wanted, now)

    # --- what is so

    def fee_rates(self) -> tuple[FeeRate, ...]:
        """The account's rates per instrument."""
        return rates_of(self.models.fees.fees(), self.instruments.values())

    def is_watching(self, instrument: InstrumentId) -> bool:
        """Whether the way of the price inside a bar can change anything: an order rests or waits."""
        return self.exchange.has_resting(instrument)

    def holds(self, instrument: InstrumentId) -> bool:
        """Whether there is a position."""
        return self.exchange.holds(UID, instrument)

    def bounds(self, instrument: InstrumentId) -> tuple[Decimal, Decimal] | None:
        """Prices between which, all else unchanged, nothing is liquidated; ``None``: none can be."""
        display = self.displays[instrument]
        return self.exchange.liquidation_bounds(UID, instrument, display.mark or display.price)

    # --- the market

    def stand(self, instrument: InstrumentId, price: float, mark: float = 0.0) -> None:
        """The price is here, and nobody waited for it on its way: the exchange is told when somebody asks."""
        display = self.displays[instrument]
        display.price, display.mark = price, mark
        self.behind[instrument] = None

    def step(
        self, instrument: InstrumentId, price: float, now: int, mark: float = 0.0, *, jump: bool = False
    ) -> list[Event]:
        """:meth:`way` gone without a pause: what happened on it."""
        return [event for events in self.way(instrument, price, now, mark, jump=jump) for event in events]

    def way(
        self, instrument: InstrumentId, price: float, now: int, mark: float = 0.0, *, jump: bool = False
    ) -> Iterator[list[Event]]:
        """The price goes here, and stops on its way wherever it meets a trigger or has gone through a resting order;
        what is heard there may place others before it goes on. With a ``jump``, as from one bar's close to the next
        one's open, there is no way: they meet it where it lands."""
        events = self._catch_up(now, instrument)
        display = self.displays[instrument]
        here = display.price or price
        while not jump and (stop := stop_on_the_way(here, price, self.exchange.waypoints(instrument))) is not None:
            here = stop
            yield events + self._walk(display, here, now, mark)
            events = []
        yield events + self._walk(display, price, now, mark)

    def settle(self, instrument: InstrumentId, rate: Decimal, now: int) -> list[Event]:
        """Funding of one perpetual, at the price where it stands."""
        events = self._catch_up(now)
        return events + self._events(self.exchange.settle_funding(instrument, rate, now), now)

    def _walk(self, display: Display, price: float, now: int, mark: float, lots: int = -1) -> list[Event]:
        """``lots`` -1: as much as the bar lets trade."""
        display.price, display.mark = price, mark
        self.behind.pop(display.instrument.id, None)
        bids, asks = display.taken()  # what fires here takes, and pays the slippage
        lots = display.passive if lots < 0 else lots
        step = Step(display.on_tick, lots, bids, asks, exact(mark or price))
        return self._events(self.exchange.walk(display.instrument.id, step, now), now)

    def _catch_up(self, now: int, without: InstrumentId | None = None) -> list[Event]:
        """Tell the exchange where the prices stand that moved unwatched: margins depend on all of them."""
        events: list[Event] = []
        for instrument in list(self.behind) if self.behind else ():
            if instrument != without:
                events += self._stand(self.displays[instrument], now)
        return events

    def _stand(self, display: Display, now: int) -> list[Event]:
        """The exchange learns where a price stands."""
        instrument, (last, mark) = display.instrument.id, display.last_and_mark()
        happened = self.exchange.stand(instrument, last, mark, now, self.is_bounded)
        if happened is None:
            return self._walk(display, display.price, now, display.mark, 0)
        self.behind.pop(instrument, None)
        return self._events(happened, now) if happened else []

    def _present(self, display: Display, taker: Side | None, qty: Decimal) -> None:
        """Display what an order that arrives finds."""
        shown = self._shown(display, taker, qty)
        if shown is not None:
            self.exchange.show(display.instrument.id, *shown)

    def _shown(self, display: Display, taker: Side | None, qty: Decimal) -> Sides | None:
        """Both sides as such a taker finds them; ``None``: as they stand."""
        return display.sides(taker, qty)

    # --- the engine's commands, as they arrive

    def carry_out(self, command: Command, now: int) -> list[Event]:
        """What a command causes when it arrives at ``now``. Raises ``TypeError`` for one that is not a venue's.

        What it asks about is answered as of now.
        """
        if isinstance(command, RiskApproved):
            return self._create(command.order, now) if command.order is not None else self._approved(command, now)
        if isinstance(command, CancelOrder):
            return self._cancel(command, now)
        if isinstance(command, LookUpOrder):
            order = self.exchange.order(UID, command.order_id, command.link_id)
            report = None if order is None else report_of(order)
            return [OrderLookedUp(now, command.link_id, True, report, (), "", command.order_id)]
        if isinstance(command, Reconcile):
            return [self.truth(now)]
        if isinstance(command, RequestTickers):
            return [self._tickers(command.category, now)]
        raise TypeError(f"{type(command).__name__} is no command to a venue")

    def _approved(self, command: RiskApproved, now: int) -> list[Event]:
        if command.amendment is not None:
            return self._amend(command, now)
        assert command.stop is not None
        return self._set_stop(command.stop, now)

    def _create(self, spec: OrderSpec, now: int) -> list[Event]:
        events: list[Event] = []
        if self.behind and not (self._is_alone and self.is_bounded):
            events = self._catch_up(now)
        display = self.displays.get(spec.instrument)
        market = spec.type is OrderType.MARKET and spec.trigger is None
        if display is not None:
            if self.terse and market and (done := self._at_once(display, spec, now)) is not None:
                events.append(done)
                return events
            events += self._catch_up(now)
            self._present(display, spec.side if market else None, spec.qty)
        try:
            order, happened = self.exchange.place(UID, request_of(spec), now)
        except Refused as refused:
            return [*events, refusal(self._heard(now), spec.link_id, Action.CREATE, refused.code, refused.message)]
        return events + self._events(happened, now, was_cut=order.qty != spec.qty)

    def _at_once(self, display: Display, spec: OrderSpec, now: int) -> Executed | None:
        """What is heard of a market order of which there is nothing but one execution to say."""
        line, mark = self._lines.get(spec.instrument), display.mark or display.price
        if line is None:
            line = self._lines[spec.instrument] = self.exchange.at_once(UID, spec.instrument)
        if not mark:
            return None
        execution = line.fill(spec, now, mark, self._shown(display, spec.side, spec.qty))
        return None if execution is None else Executed(self._heard(now), execution)

    def _amend(self, command: RiskApproved, now: int) -> list[Event]:
        asked = command.amendment
        assert asked is not None
        events = self._catch_up(now)
        self._present(self.displays[asked.instrument], None, ZERO)
        try:
            _, happened = self._desk.amend(asked, now)
        except Refused as refused:
            return [*events, refusal(self._heard(now), asked.link_id, Action.AMEND, refused.code, refused.message)]
        return events + self._events(happened, now)

    def _cancel(self, command: CancelOrder, now: int) -> list[Event]:
        try:
            _, happened = self._desk.cancel(command, now)
        except Refused as refused:
            return [refusal(self._heard(now), command.link_id, Action.CANCEL, refused.code, refused.message)]
        return self._events(happened, now)

    def _set_stop(self, stop: TradingStop, now: int) -> list[Event]:
        events = self._catch_up(now)
        answer, happened = self._desk.set_stop(stop, now, self._heard(now))
        return [*events, answer, *self._events(happened, now)]

    def _tickers(self, category: str, now: int) -> TickersLoaded:
        rows = tuple(
            UniverseRow(i.symbol, d.price, *d.touch(), d.volume * d.price)
            for i, d in self.displays.items()
            if i.category.value == category and d.price
        )
        return TickersLoaded(now, category, rows)

    def truth(self, now: int) -> Reconciled:
        """Everything the venue knows: nothing is ever lost on this way, so the past need not be told again."""
        it = self._desk.standing()
        return Reconciled(now, now, it.orders, (), it.positions, it.balances)

    def _events(self, happened: list[Happening], now: int, was_cut: bool = False) -> list[Event]:
        """Fills first, then the orders they changed: as the venue publishes them. Of an order that ``was_cut`` to the
        position no fill tells that it is complete."""
        if self.terse and not was_cut and (fill := whole_fill(happened)) is not None:
            return [executed(self._heard(now), fill)]
        events: list[Event] = []
        heard = self._heard(now) if happened else now
        for it in happened:
            if isinstance(it, FillHappened):
                events.append(executed(heard, it.fill))
            elif isinstance(it, OrderHappened):
                self._updated = max(self._updated + 1, it.order.updated)
                events.append(reported(heard, it.order, self._updated))
        return events

    def _heard(self, now: int) -> int:
        return now + self.models.latency.answer(now)


def whole_fill(happened: list[Happening]) -> Fill | None:
    """The fill, where nothing happened but one that completed a plain market order."""
    if len(happened) != 2:
        return None
    first, second = happened
    if not (isinstance(first, FillHappened) and isinstance(second, OrderHappened)):
        return None
    fill, order = first.fill, second.order
    attached = order.protection is not None or order.trigger is not None or order.stop_order_type or order.parent_link
    if fill.order_id != order.order_id or fill.qty != order.qty or order.type is not OrderType.MARKET or attached:
        return None
    return fill if order.status is OrderStatus.FILLED and not order.quote_qty else None
