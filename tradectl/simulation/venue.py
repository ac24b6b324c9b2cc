"""A venue in process: orders trade against candles or streams by the matching rules, and it reports.

Pure: time comes with each call. The driver tells the market (:meth:`SimulatedVenue.step` and its sisters), hands over
the engine's commands when they arrive (:meth:`SimulatedVenue.carry_out`) and takes the events they cause, each to be
told to the engine at its ``received``.
"""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from tradectl.matching.exchange import Exchange
from tradectl.matching.records import Fill, FillHappened, Happening, NewOrder, OrderHappened, Refused, StopChange
from tradectl.matching.walk import Step
from tradectl.model.commands import CancelOrder, Command, LookUpOrder, Reconcile, RequestTickers, RiskApproved
from tradectl.model.events import (
    Action,
    Event,
    OrderLookedUp,
    Reaction,
    Reconciled,
    StopAnswered,
    TickersLoaded,
    UniverseRow,
)
from tradectl.model.instruments import Category, FeeRate, Instrument, InstrumentId
from tradectl.model.money import ZERO, exact
from tradectl.model.orders import OrderSpec, OrderStatus, OrderType, Side, TradingStop
from tradectl.model.positions import BalanceReport
from tradectl.simulation.display import Display
from tradectl.simulation.happenings import executed, position_report, refusal, report_of, reported
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
        self.displays = {it.id: Display(it, models) for it in self.instruments.values()}
        #: Instruments whose price the exchange has not been told; the driver of unwatched bars notes them itself.
        self.behind: dict[InstrumentId, None] = {}
        #: Stands in the last report: each later one is newer, though many fall on one moment.
        self._updated = 0
        #: The driver lets no price stand where something could be liquidated: it asks for :meth:`bounds`.
        self.is_bounded = False
        #: Nobody follows orders on their way: of one that a single fill completes, the fill says everything.
        self.terse = False
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
        fees = self.models.fees.fees()
        return tuple(
            FeeRate(i, fees.spot_maker, fees.spot_taker) if it.is_spot else
            FeeRate(i, fees.linear_maker, fees.linear_taker)
            for i, it in self.instruments.items()
        )  # fmt: skip

    def is_watching(self, instrument: InstrumentId) -> bool:
        """Whether the way of the price inside a bar can change anything: an order rests or waits."""
        return self.exchange.has_resting(instrument)

    def holds(self, instrument: InstrumentId) -> bool:
        """Whether there is a position."""
        return self.exchange.holds(UID, instrument)

    def bounds(self, instrument: InstrumentId) -> tuple[Decimal, Decimal] | None:
        """Prices between which, all else unchanged, nothing is liquidated; ``None``: none can be."""
        return self.exchange.liquidation_bounds(UID, instrument)

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
        instrument = display.instrument.id
        if self.exchange.has_resting(instrument):
            return self._walk(display, display.price, now, display.mark, 0)
        self.behind.pop(instrument, None)
        mark = exact(display.mark or display.price)
        return self._events(self.exchange.stand(instrument, display.on_tick, mark, now, self.is_bounded), now)

    def _present(self, display: Display, taker: Side | None, qty: Decimal) -> None:
        """Display what an order that arrives finds."""
        self.exchange.show(display.instrument.id, *display.sides(taker, qty))

    # --- the engine's commands, as they arrive

    def carry_out(self, command: Command, now: int) -> list[Event]:
        """What a command causes when it arrives at ``now``. Raises ``TypeError`` for one that is not a venue's.

        What it asks about is answered as of now.
        """
        if isinstance(command, RiskApproved):
            return self._approved(command, now)
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
        if command.order is not None:
            return self._create(command.order, now)
        if command.amendment is not None:
            return self._amend(command, now)
        assert command.stop is not None
        return self._set_stop(command.stop, now)

    def _create(self, spec: OrderSpec, now: int) -> list[Event]:
        events = self._catch_up(now)
        display = self.displays.get(spec.instrument)
        if display is not None:
            taker = spec.side if spec.type is OrderType.MARKET and spec.trigger is None else None
            self._present(display, taker, spec.qty)
        try:
            order, happened = self.exchange.place(UID, request_of(spec), now)
        except Refused as refused:
            return [*events, refusal(self._heard(now), spec.link_id, Action.CREATE, refused.code, refused.message)]
        return events + self._events(happened, now, was_cut=order.qty != spec.qty)

    def _amend(self, command: RiskApproved, now: int) -> list[Event]:
        asked = command.amendment
        assert asked is not None
        events = self._catch_up(now)
        self._present(self.displays[asked.instrument], None, ZERO)
        stops = StopChange(asked.trigger_price, None, asked.take_profit, asked.stop_loss)
        try:
            _, happened = self.exchange.amend(
                UID, asked.instrument, asked.order_id, asked.link_id, asked.qty, asked.price, now, stops
            )
        except Refused as refused:
            return [*events, refusal(self._heard(now), asked.link_id, Action.AMEND, refused.code, refused.message)]
        return events + self._events(happened, now)

    def _cancel(self, command: CancelOrder, now: int) -> list[Event]:
        try:
            _, happened = self.exchange.cancel(UID, command.instrument, command.order_id, command.link_id, now)
        except Refused as refused:
            return [refusal(self._heard(now), command.link_id, Action.CANCEL, refused.code, refused.message)]
        return self._events(happened, now)

    def _set_stop(self, stop: TradingStop, now: int) -> list[Event]:
        code, message, happened = 0, "", []
        try:
            happened = self.exchange.set_trading_stop(UID, stop, now)
        except Refused as refused:
            code, message = refused.code, refused.message
        reaction = Reaction.OK if code in (0, 34040) else Reaction.FIX
        return [
            StopAnswered(self._heard(now), stop.instrument, stop.position_idx, code, message, reaction),
            *self._events(happened, now),
        ]

    def _tickers(self, category: str, now: int) -> TickersLoaded:
        rows = tuple(
            UniverseRow(i.symbol, d.price, *d.touch(), d.volume * d.price)
            for i, d in self.displays.items()
            if i.category.value == category and d.price
        )
        return TickersLoaded(now, category, rows)

    def truth(self, now: int) -> Reconciled:
        """Everything the venue knows: nothing is ever lost on this way, so the past need not be told again."""
        positions = tuple(position_report(p) for p in self.exchange.positions(UID))
        balances = tuple(BalanceReport(w.coin, w.balance, w.balance, w.locked) for w in self.exchange.wallets(UID))
        reports = tuple(report_of(order) for order in self.exchange.open_orders(UID))
        return Reconciled(now, now, reports, (), positions, balances)

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


def request_of(spec: OrderSpec) -> NewOrder:
    """The create request of an order of ours."""
    return NewOrder(
        spec.instrument, spec.side, spec.type, spec.qty, spec.price, spec.time_in_force, spec.reduce_only,
        spec.quote_qty, spec.link_id, spec.trigger, spec.close_on_trigger, spec.protection, spec.position_idx,
        spec.self_match, "StopOrder" if spec.trigger is not None and spec.instrument.category is Category.SPOT else
        "Order",
    )  # fmt: skip
