"""A venue in process that a public feed moves: its books, prints and tickers fill orders by the matching rules.

Pure: the time is that of the newest market data. What a method returns is to be told to the engine, in order; who
tells it writes into ``received`` when that is.
"""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from msgspec import Struct

from tradectl.matching.exchange import Exchange
from tradectl.matching.position_mode import can_hedge
from tradectl.matching.records import FillHappened, Happening, OrderHappened, Refused, VenueOrder
from tradectl.matching.views import AccountFees
from tradectl.model.commands import Amendment, CancelOrder, Command, LookUpOrder, Reconcile, RiskApproved
from tradectl.model.events import (
    Action,
    BookChanged,
    Event,
    MarketEvent,
    OrderAnswered,
    OrderLookedUp,
    Reaction,
    Reconciled,
    StopAnswered,
    TickerChanged,
    TradePrinted,
)
from tradectl.model.instruments import FeeRate, Instrument, InstrumentId
from tradectl.model.market_data import Ticker
from tradectl.model.money import exact
from tradectl.model.orders import OrderSpec, TradingStop
from tradectl.simulation.desk import Desk, rates_of, request_of
from tradectl.simulation.happenings import executed, refusal, report_of, reported
from tradectl.simulation.paper_past import Chapter, Past

#: Levels of the book that fills are made from.
DEPTH = 50
#: How long ended orders and executions are remembered: as far back as a first reconciliation asks.
REMEMBERED = 7 * 86_400_000_000_000
_PUBLISHED: frozenset[type[Happening]] = frozenset({FillHappened, OrderHappened})


class Terms(Struct, frozen=True):
    """What the account is like: where ``leverage`` names no symbol, ``usual_leverage`` holds."""

    fees: AccountFees = AccountFees()
    cash: Mapping[str, Decimal] = {}
    leverage: Mapping[InstrumentId, Decimal] = {}
    usual_leverage: Decimal = Decimal(10)
    hedge: bool = False


class Saved(Struct, frozen=True):
    """All that is needed to go on: the account's name, the venue's time, its exchange, the funding announced last."""

    uid: str
    now: int
    exchange: bytes
    announced: dict[InstrumentId, Ticker]


class PaperVenue:
    """One account. ``instruments`` are those of the real venue, as its REST states them."""

    def __init__(self, terms: Terms, uid: str, saved: Saved | None = None, past: Past | None = None) -> None:
        """A new account ``uid``, or the one of ``saved`` with its ``past``: it keeps its money and its fees.

        Raises ``ValueError`` or ``msgspec.DecodeError`` on an exchange this version cannot read.
        """
        self._terms = terms
        self.uid = uid if saved is None else saved.uid
        self.now = 0 if saved is None else saved.now
        self.past = past or Past()
        self.instruments: dict[InstrumentId, Instrument] = {}
        self._announced = {} if saved is None else dict(saved.announced)
        self._printed: dict[InstrumentId, int] = {}
        self._shown: set[InstrumentId] = set()
        self._waiting: dict[InstrumentId, TickerChanged] = {}
        if saved is None:
            self.exchange = self._opened()
        else:
            self.exchange = Exchange.restore(saved.exchange, publish=_PUBLISHED, remember_links=False)
            for instrument in self.exchange.instruments:  # what was displayed then is not what is displayed now
                self.exchange.show(instrument, {}, {})
        self._desk = Desk(self.exchange, self.uid)

    def _opened(self) -> Exchange:
        exchange = Exchange((), seed=self.uid, publish=_PUBLISHED, remember_links=False)
        exchange.open_account(self.uid, self._terms.fees, 0)
        for coin, amount in self._terms.cash.items():
            if amount:
                exchange.deposit(self.uid, coin, amount, 0)
        return exchange

    def save(self) -> Saved:
        """Everything but the past."""
        return Saved(self.uid, self.now, self.exchange.save(), self._announced)

    def know(self, instruments: Iterable[Instrument]) -> list[InstrumentId]:
        """The real venue's instruments, as they are from here on. Those returned changed their filters: their books
        must be stated anew. One with orders keeps the old ones until it is told again without."""
        self.instruments = {it.id: it for it in instruments}
        known = self.exchange.instruments
        changed = [
            it for i, it in self.instruments.items() if known.get(i, it) != it and not self.exchange.has_resting(i)
        ]
        for it in changed:
            self.lose(it.id)
            self.exchange.relist(it)
        return [it.id for it in changed]

    # --- what is so

    def fee_rates(self) -> tuple[FeeRate, ...]:
        """The account's rates on every instrument."""
        return rates_of(self.exchange.fees(self.uid), self.instruments.values())

    def needs(self) -> set[InstrumentId]:
        """Instruments with an order or a position: their market must be known."""
        orders = {order.instrument for order in self.exchange.open_orders(self.uid)}
        return orders | {position.instrument for position in self.exchange.positions(self.uid)}

    def is_shown(self, instrument: InstrumentId) -> bool:
        """Whether the book of an instrument is known."""
        return instrument in self._shown

    def _is_listed(self, instrument: InstrumentId) -> bool:
        """Whether it can be traded; the first time, its market is made as the account wants it."""
        if instrument in self.exchange.instruments:
            return True
        known = self.instruments.get(instrument)
        if known is None:
            return False
        self.exchange.add(known)
        if not known.is_spot:
            self._prepare(known)
        return True

    def _prepare(self, it: Instrument) -> None:
        hedge = self._terms.hedge and can_hedge(it)
        if hedge:
            self.exchange.switch_mode(self.uid, it.id, True, self.now)
        wanted = min(self._terms.leverage.get(it.id, self._terms.usual_leverage), it.max_leverage)
        if wanted != self.exchange.position(self.uid, it.id, 1 if hedge else 0).leverage:
            self.exchange.set_leverage(self.uid, it.id, wanted, self.now)

    # --- the market

    def hear(self, event: MarketEvent) -> list[Event]:
        """What market data does to the account. Raises ``ValueError`` when it does not fit the instrument; its book is
        then forgotten."""
        self.now = max(self.now, event.ts)
        if isinstance(event, TickerChanged):
            return self._heard_ticker(event) if self._is_listed(event.instrument) else []
        if isinstance(event, BookChanged):
            if event.depth != DEPTH or not self._is_listed(event.instrument):
                return []
            return self._guarded(self._book, event)
        if isinstance(event, TradePrinted) and event.instrument in self._shown:
            return self._guarded(self._print, event)
        return []

    def _guarded(self, take: Callable[..., list[Event]], event: MarketEvent) -> list[Event]:
        try:
            return take(event)
        except ValueError:
            self.lose(event.instrument)
            raise

    def _book(self, event: BookChanged) -> list[Event]:
        i = event.instrument
        bids = [(exact(price), exact(size)) for price, size in event.bids]
        asks = [(exact(price), exact(size)) for price, size in event.asks]
        if event.snapshot:
            self._shown.add(i)
            events = self._events(self.exchange.set_book(i, bids, asks, self.now))
            waiting = self._waiting.pop(i, None)
            return events if waiting is None else events + self._ticker(waiting)
        return self._events(self.exchange.update_levels(i, bids, asks, self.now)) if i in self._shown else []

    def _print(self, event: TradePrinted) -> list[Event]:
        self._printed[event.instrument] = event.ts
        price, size = exact(event.price), exact(event.size)
        return self._events(self.exchange.print_trade(event.instrument, event.side, price, size, self.now))

    def _heard_ticker(self, event: TickerChanged) -> list[Event]:
        """What a price fires must find a book to trade with: without one, the newest ticker waits for it."""
        i = event.instrument
        if i not in self._shown and i in self.needs():
            self._waiting[i] = event
            return []
        return self._ticker(event)

    def _ticker(self, event: TickerChanged) -> list[Event]:
        """Mark and index; the last price only where no later print stated it."""
        i, ticker = event.instrument, event.ticker
        events = self._funding(event)
        if event.ts >= self._printed.get(i, 0):
            events += self._events(self.exchange.set_last(i, exact(ticker.last), self.now))
        if ticker.mark > 0:
            index = exact(ticker.index) if ticker.index > 0 else exact(ticker.mark)
            events += self._events(self.exchange.set_mark(i, exact(ticker.mark), index, self.now))
        return events

    def _funding(self, event: TickerChanged) -> list[Event]:
        """A settlement is over when the next one is announced: it was at the rate and the mark announced last."""
        i, before = event.instrument, self._announced.get(event.instrument)
        if not event.ticker.next_funding:
            return []
        self._announced[i] = event.ticker
        if before is None or before.next_funding >= event.ticker.next_funding or event.ts < before.next_funding:
            return []
        mark = exact(before.mark or before.last)
        events = self._events(self.exchange.set_mark(i, mark, exact(before.index) if before.index else mark, self.now))
        if not before.funding_rate:
            return events
        settled = self.exchange.settle_funding(i, exact(before.funding_rate), before.next_funding)
        return events + self._events(settled)

    def lose(self, instrument: InstrumentId) -> None:
        """The book is not known any more: nothing fills from it until it is stated anew."""
        if instrument in self._shown:
            self._shown.discard(instrument)
            self.exchange.show(instrument, {}, {})

    # --- the engine's commands, as they arrive

    def carry_out(self, command: Command) -> list[Event]:
        """What a command causes now. Raises ``TypeError`` for one that is not an account's."""
        if isinstance(command, RiskApproved):
            return self._approved(command)
        if isinstance(command, CancelOrder):
            return self._cancel(command)
        if isinstance(command, LookUpOrder):
            return [self._looked_up(command)]
        if isinstance(command, Reconcile):
            return [self.truth(command.since)]
        raise TypeError(f"{type(command).__name__} is no command to an account")

    def _approved(self, command: RiskApproved) -> list[Event]:
        if command.order is not None:
            return self._create(command.order)
        if command.amendment is not None:
            return self._amend(command.amendment)
        assert command.stop is not None
        return self._set_stop(command.stop)

    def _create(self, spec: OrderSpec) -> list[Event]:
        def place() -> tuple[VenueOrder, list[Happening]]:
            self._require_listed(spec.instrument)
            return self.exchange.place(self.uid, request_of(spec), self.now)

        return self._answered(spec.link_id, Action.CREATE, place)

    def _amend(self, asked: Amendment) -> list[Event]:
        def amend() -> tuple[VenueOrder, list[Happening]]:
            self._require_listed(asked.instrument)
            return self._desk.amend(asked, self.now)

        return self._answered(asked.link_id, Action.AMEND, amend)

    def _cancel(self, asked: CancelOrder) -> list[Event]:
        def cancel() -> tuple[VenueOrder, list[Happening]]:
            self._require_listed(asked.instrument)
            return self._desk.cancel(asked, self.now)

        return self._answered(asked.link_id, Action.CANCEL, cancel)

    def _answered(
        self, link_id: str, action: Action, do: Callable[[], tuple[VenueOrder, list[Happening]]]
    ) -> list[Event]:
        """The gateway's word first, then what came of it."""
        try:
            order, happened = do()
        except Refused as refused:
            return [refusal(0, link_id, action, refused.code, refused.message)]
        return [OrderAnswered(0, link_id, action, 0, "OK", Reaction.OK, order.order_id), *self._events(happened)]

    def _set_stop(self, stop: TradingStop) -> list[Event]:
        try:
            self._require_listed(stop.instrument)
        except Refused as it:
            return [StopAnswered(0, stop.instrument, stop.position_idx, it.code, it.message, Reaction.FIX)]
        answer, happened = self._desk.set_stop(stop, self.now, 0)
        return [answer, *self._events(happened)]

    def _require_listed(self, instrument: InstrumentId) -> None:
        if not self._is_listed(instrument):
            raise Refused(10001, f"symbol {instrument.symbol} is not supported")

    def _looked_up(self, asked: LookUpOrder) -> OrderLookedUp:
        """Commands arrive in order: what is not here was never sent."""
        order = self.exchange.order(self.uid, asked.order_id, "" if asked.order_id else asked.link_id)
        ended, fills = self.past.of_order(asked.order_id, asked.link_id)
        report = ended if order is None else report_of(order)
        return OrderLookedUp(0, asked.link_id, True, report, fills, "", asked.order_id)

    def truth(self, since: int) -> Reconciled:
        """Everything the account is, and what happened to it since ``since`` (0: as far back as it is known)."""
        before = self.past.since(since)
        it = self._desk.standing()
        return Reconciled(0, 0, (*before.ended, *it.orders), before.executions, it.positions, it.balances)

    # --- what happened

    def _events(self, happened: list[Happening]) -> list[Event]:
        events: list[Event] = []
        for it in happened:
            if isinstance(it, FillHappened):
                events.append(executed(0, it.fill))
            elif isinstance(it, OrderHappened):
                events.append(reported(0, it.order))
        if events:
            self.past.add(Chapter.of(events))
        return events


__all__ = ["DEPTH", "REMEMBERED", "PaperVenue", "Saved", "Terms"]
