"""The paper connector: the venue's public market data, and an account in process that fills from it.

Nothing of an account reaches the network. The account is on disk before anybody hears what became of an order, so that
a killed daemon finds at its next start what it did not hear.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from loguru import logger
from msgspec.structs import replace

from tradectl.daemon.paper_file import PaperFile
from tradectl.daemon.paper_way import Way
from tradectl.exchange.bybit.market_cache import BookView
from tradectl.exchange.exchange_connector import ExchangeConnector, Sink, Stamp, VenueCommand
from tradectl.model.commands import (
    CancelOrder,
    LookUpOrder,
    Reconcile,
    RequestBars,
    RequestTickers,
    RiskApproved,
    Subscribe,
    Unsubscribe,
)
from tradectl.model.events import (
    AccountChecked,
    BookChanged,
    ConnectionChanged,
    DataDoubted,
    Event,
    InstrumentsLoaded,
    MarketEvent,
    Reconciled,
    TickerChanged,
    TradePrinted,
)
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.market_data import Bar, MarketKey
from tradectl.simulation.config import PaperConfig
from tradectl.simulation.paper_past import Chapter
from tradectl.simulation.paper_venue import DEPTH, Terms

#: The first so many instruments whose quotes are asked for have their books followed before an order comes.
AHEAD = 20
#: An order waits this long at most for the book of an instrument nobody followed (seconds).
BOOK_WAIT = 3.0
#: How often the account is written although no order changed: queue places and trailing stops move (seconds).
SAVE_EVERY = 10
#: A file that cannot be written is tried again after this long (seconds).
TRY_AGAIN = 1.0
AccountCommand = RiskApproved | CancelOrder | LookUpOrder | Reconcile


class PublicVenue(ExchangeConnector, Protocol):
    """A connector without an account."""

    def book(self, instrument: InstrumentId) -> BookView | None:
        """The deepest subscribed book."""

    def bars(self, instrument: InstrumentId, interval: str) -> tuple[Bar, ...]:
        """The last closed bars."""


class PaperConnector:
    """A venue whose account is simulated. ``public`` makes the connector of its market data for a sink of ours."""

    def __init__(
        self, config: PaperConfig, terms: Terms, file: PaperFile, sink: Sink, stamp: Stamp,
        public: Callable[[Sink], PublicVenue],
    ) -> None:  # fmt: skip
        """Raises ``Problem`` on an account this version cannot read."""
        self._file = file
        self._emit, self._stamp = sink, stamp
        self.venue = file.venue(terms)
        self._public = public(self._hear)
        self._orders: Way[AccountCommand] = Way(config.order_ms / 1000, self._arrived, self._may_arrive)
        self._answers: Way[list[Event]] = Way(config.answer_ms / 1000, self._tell)
        self._at_once = not config.answer_ms
        self._wanted: set[MarketKey] = set()
        self._followed: set[InstrumentId] = set()
        self._awaited: set[InstrumentId] = set()
        self._given_up: set[InstrumentId] = set()
        self._unfit: set[InstrumentId] = set()
        self._unwritten: list[Event] = []
        self._house: asyncio.Task[None] | None = None

    # --- the protocol

    async def open(self) -> None:
        """Read instruments, say what account this is, and follow what it holds. Raises ``Problem``."""
        if self._file.saved is None:
            self._keep([])
        await self._public.open()
        self._emit(AccountChecked(self._stamp(0), self.venue.uid))
        for stream in ("private", "trade"):
            self._emit(ConnectionChanged(self._stamp(0), stream, True, "in process"))
        for instrument in sorted(self.venue.needs()):
            self._follow(instrument)
        for key in sorted(self._wanted):
            self._follow_ahead(key)
        self._house = asyncio.get_running_loop().create_task(self._keep_house())

    async def close(self) -> None:
        """What is under way arrives first."""
        if self._house is not None:
            self._house.cancel()
        self._orders.finish()
        self._answers.finish()
        await self._public.close()
        try:
            self._write()
            self._file.sync()
        except OSError as error:
            logger.error("the paper account could not be written: {}", error)
        self._file.close()

    def execute(self, command: VenueCommand) -> None:
        """See the protocol."""
        self.execute_all((command,))

    def execute_all(self, commands: Sequence[VenueCommand]) -> None:
        """See the protocol; each is answered by an event of its own."""
        for command in commands:
            if isinstance(command, AccountCommand):
                if isinstance(command, RiskApproved) and command.order is not None:
                    self._follow(command.order.instrument)
                self._orders.send(command)
            elif isinstance(command, Subscribe):
                self._subscribe(command.key)
            elif isinstance(command, Unsubscribe):
                self._unsubscribe(command.key)
            elif isinstance(command, RequestBars | RequestTickers):
                self._public.execute(command)

    @property
    def outstanding(self) -> int:
        """Commands and answers under way, and what the market data waits for."""
        return len(self._orders) + len(self._answers) + self._public.outstanding

    @property
    def frames_received(self) -> Mapping[int, int]:
        """Those of the market data."""
        return self._public.frames_received

    def book(self, instrument: InstrumentId) -> BookView | None:
        """The deepest subscribed book."""
        return self._public.book(instrument)

    def bars(self, instrument: InstrumentId, interval: str) -> tuple[Bar, ...]:
        """The last closed bars."""
        return self._public.bars(instrument, interval)

    # --- what is subscribed

    def _subscribe(self, key: MarketKey) -> None:
        """What we follow already begins anew: who asks now needs the snapshot."""
        self._wanted.add(key)
        if key.instrument in self._followed and key in _needed(key.instrument):
            self._public.execute(Unsubscribe(key))
        self._public.execute(Subscribe(key))
        self._follow_ahead(key)

    def _follow_ahead(self, key: MarketKey) -> None:
        """Whose quotes are asked for is likely to be traded; before its filters are known its book says nothing."""
        if key.kind == "quotes" and key.instrument in self.venue.instruments and len(self._followed) < AHEAD:
            self._follow(key.instrument)

    def _unsubscribe(self, key: MarketKey) -> None:
        self._wanted.discard(key)
        if not (key.instrument in self._followed and key in _needed(key.instrument)):
            self._public.execute(Unsubscribe(key))

    def _follow(self, instrument: InstrumentId) -> None:
        """From here on, know all that fills are made from."""
        if instrument in self._followed or instrument.category is Category.OPTION:
            return
        self._followed.add(instrument)
        for key in _needed(instrument):
            if key in self._wanted and key.kind != "book":
                continue
            if key in self._wanted:  # its snapshot may have come before anybody kept it
                self._public.execute(Unsubscribe(key))
            self._public.execute(Subscribe(key))

    # --- market data and what else the venue says

    def _hear(self, event: Event) -> None:
        if isinstance(event, MarketEvent):
            self._market(event)
            return
        if isinstance(event, InstrumentsLoaded):
            self._state_anew(self.venue.know(event.instruments))
            event = replace(event, fees=self.venue.fee_rates())
        elif isinstance(event, ConnectionChanged) and not event.up:
            self._lose(it for it in self._followed if event.stream.startswith(f"public.{it.category.value}"))
        elif isinstance(event, DataDoubted) and not event.ok and event.kind == "book":
            self._lose((event.instrument,))
        self._emit(event)

    def _state_anew(self, instruments: Iterable[InstrumentId]) -> None:
        """Let the venue state these books again."""
        for instrument in self._followed.intersection(instruments):
            book = _needed(instrument)[0]
            self._public.execute(Unsubscribe(book))
            self._public.execute(Subscribe(book))

    def _lose(self, instruments: Iterable[InstrumentId]) -> None:
        for instrument in instruments:
            self.venue.lose(instrument)

    def _market(self, event: MarketEvent) -> None:
        """First what it does to the account, then the news of it: as the venue's streams say it."""
        try:
            events = self.venue.hear(event)
        except ValueError as error:
            self._doubt(event.instrument, str(error))
        else:
            if events:
                self._keep(events)
            if isinstance(event, BookChanged):
                self._book_known(event.instrument)
        if not isinstance(event, BookChanged | TradePrinted | TickerChanged) or _key_of(event) in self._wanted:
            self._emit(event)

    def _doubt(self, instrument: InstrumentId, reason: str) -> None:
        if instrument not in self._unfit:
            self._unfit.add(instrument)
            self._emit(DataDoubted(self._stamp(0), instrument, "book", False, reason))

    def _book_known(self, instrument: InstrumentId) -> None:
        if not self.venue.is_shown(instrument):
            return
        if instrument in self._unfit:
            self._unfit.discard(instrument)
            self._emit(DataDoubted(self._stamp(0), instrument, "book", True))
        self._given_up.discard(instrument)
        self._orders.look()

    # --- commands as they arrive, and the answers

    def _may_arrive(self, command: AccountCommand) -> bool:
        """An order waits for the book of an instrument that is followed only since it came."""
        order = command.order if isinstance(command, RiskApproved) else None
        if order is None or self.venue.is_shown(order.instrument) or order.instrument in self._given_up:
            return True
        if order.instrument not in self.venue.instruments or order.instrument.category is Category.OPTION:
            return True
        if order.instrument not in self._awaited:
            self._awaited.add(order.instrument)
            asyncio.get_running_loop().call_later(BOOK_WAIT, self._give_up, order.instrument)
        return False

    def _give_up(self, instrument: InstrumentId) -> None:
        self._awaited.discard(instrument)
        if not self.venue.is_shown(instrument):
            self._given_up.add(instrument)
        self._orders.look()

    def _arrived(self, command: AccountCommand) -> None:
        events = self.venue.carry_out(command)
        if isinstance(command, Reconcile):
            now = self._stamp(0)
            events = [replace(it, started=now) if isinstance(it, Reconciled) else it for it in events]
        if isinstance(command, Reconcile | LookUpOrder) and not self._unwritten:  # nothing changed
            self._send(events)
        else:
            self._keep(events)

    def _keep(self, events: list[Event]) -> None:
        """Onto the disk first, then on the way; what could not be written is not told."""
        self._unwritten += events
        try:
            self._write()
        except OSError as error:
            logger.error("the paper account could not be written, its answers wait: {}", error)
            asyncio.get_running_loop().call_later(TRY_AGAIN, self._keep, [])

    def _write(self) -> None:
        self._file.write(self.venue.save(), Chapter.of(self._unwritten), self.venue.past)
        events, self._unwritten = self._unwritten, []
        if events:
            self._send(events)

    def _send(self, events: list[Event]) -> None:
        if self._at_once and not len(self._answers):
            self._tell(events)
        else:
            self._answers.send(events)

    def _tell(self, events: list[Event]) -> None:
        for event in events:
            self._emit(replace(event, received=self._stamp(0)))

    async def _keep_house(self) -> None:
        """Write what moved without an event, and make all of it durable, off the trading path."""
        loop = asyncio.get_running_loop()
        beats = 0
        while True:
            await asyncio.sleep(1.0)
            beats += 1
            if beats % SAVE_EVERY == 0 and self.venue.needs():
                self._keep([])
            try:
                await loop.run_in_executor(None, self._file.sync)
            except OSError as error:
                logger.error("the paper account may not survive a power cut: {}", error)


def _needed(instrument: InstrumentId) -> tuple[MarketKey, MarketKey, MarketKey]:
    """What fills are made from."""
    return (
        MarketKey("book", instrument, str(DEPTH)), MarketKey("trades", instrument), MarketKey("ticker", instrument),
    )  # fmt: skip


def _key_of(event: BookChanged | TradePrinted | TickerChanged) -> MarketKey:
    """The stream an event came by."""
    if isinstance(event, BookChanged):
        return MarketKey("book", event.instrument, str(event.depth))
    return MarketKey("trades" if isinstance(event, TradePrinted) else "ticker", event.instrument)
