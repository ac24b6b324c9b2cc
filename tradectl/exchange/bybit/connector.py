"""The Bybit connector: streams, order entry and reads behind the protocol of a venue."""

import asyncio
import random as _random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from tradectl.exchange.bybit.account import Account, key_problem
from tradectl.exchange.bybit.answers import Answers
from tradectl.exchange.bybit.bar_history import BarHistory, BarRules
from tradectl.exchange.bybit.clock import VenueClock, is_acceptable
from tradectl.exchange.bybit.config import BybitConfig, Credentials, Environment
from tradectl.exchange.bybit.endpoints import endpoints_of
from tradectl.exchange.bybit.market_cache import BookView, MarketCache
from tradectl.exchange.bybit.market_time import MarketTime
from tradectl.exchange.bybit.market_topics import MarketContext
from tradectl.exchange.bybit.meanings import meaning_of
from tradectl.exchange.bybit.order_entry import OrderEntry
from tradectl.exchange.bybit.order_requests import OrderCommand, Request, StopRequest, requests_of
from tradectl.exchange.bybit.public_streams import PublicStreams
from tradectl.exchange.bybit.queries import Queries
from tradectl.exchange.bybit.reconcile import Reconciler
from tradectl.exchange.bybit.reference import Reference, RiskTier
from tradectl.exchange.bybit.rest_order_entry import RestOrderEntry
from tradectl.exchange.bybit.sent_log import SentLog
from tradectl.exchange.bybit.signing import Signer
from tradectl.exchange.bybit.socket_order_entry import SocketOrderEntry
from tradectl.exchange.bybit.sockets import Sockets
from tradectl.exchange.bybit.wiring import make_rest
from tradectl.exchange.bybit.work import Work
from tradectl.exchange.exchange_connector import Sink, Stamp, VenueCommand
from tradectl.exchange.retry_handler import ReadFailed
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
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.events import (
    AccountChecked,
    ClockChecked,
    ConnectionChanged,
    InstrumentsLoaded,
    QuoteChanged,
    Reaction,
)
from tradectl.model.instruments import FeeRate, Instrument, InstrumentId
from tradectl.model.market_data import Bar, Ticker

Wall = Callable[[], int]
#: Samples of the venue's clock at start, and each time after that.
FIRST_SAMPLES, LATER_SAMPLES = 5, 3


class BybitConnector:
    """A Bybit v5 account (or, without credentials, its public market data alone).

    ``sink`` receives every event on the loop; ``stamp`` gives ``received``; ``wall`` is the transport clock in
    nanoseconds (signing, look-ups), ``random`` the jitter of reconnects in [0, 1), and ``on_idle`` is called after
    each handled inbound frame or answer. Construct it anywhere; everything else runs on the loop of :meth:`open`.

    Raises ``Problem`` when the configuration names a host that does not exist.
    """

    def __init__(
        self,
        config: BybitConfig,
        credentials: Credentials | None,
        sink: Sink,
        stamp: Stamp,
        *,
        wall: Wall = time.time_ns,
        random: Callable[[], float] = _random.random,
        on_idle: Callable[[], None] | None = None,
    ) -> None:
        self._config = config
        self._stamp = stamp
        self._emit = sink
        self._on_idle = on_idle
        self._signer = Signer(credentials) if credentials is not None else None
        self._counters: Counter[str] = Counter()
        self._frames: dict[int, int] = {}
        self._clock = VenueClock(wall)
        self._rest, self._order_rest = make_rest(config, self._signer, self._clock, random)
        self._reference = Reference(self._rest, config, time.monotonic, signed=self._signer is not None)
        self._account = Account(self._rest, config)
        self._cache = MarketCache(config.bars_kept)
        self._work = Work(self._idle)
        self._sent = SentLog()
        self._answers = Answers(sink, stamp)
        self._by_rest = RestOrderEntry(
            self._order_rest, self._answers, self._clock, self._sent, config.answer_timeout, self._work.keep, self._idle
        )
        self._entry = self._make_entry()
        self._sockets = Sockets(config, endpoints_of(config), self._clock, random, self._frames, self._signer)
        self._sockets.bind(sink, stamp, self._count, self._idle, self._reference.fee_coin, self._entry)
        context = MarketContext(sink, stamp, self._cache, self._count)
        self._public = PublicStreams(context, config.stale, random, self._sockets.public)
        sandbox = config.environment is Environment.SANDBOX
        market_time = MarketTime(self._rest, self.instruments, stamp, own_clock=sandbox)
        reconciler = Reconciler(self._rest, config, self._reference.fee_coin, market_time.now)
        rules = BarRules(int(config.bar_margin * 1_000_000_000), self._cache.has_bar)
        history = BarHistory(self._rest, market_time, rules)
        self._queries = Queries(
            sink, stamp, self._rest, history, self._cache, reconciler, self._sent, config.recv_window
        )
        self._problems: tuple[str, ...] = ()
        self._is_open = False
        self._waiting = 0

    # --- the protocol ------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """See the protocol: clock, key and account are checked while the private and trade streams connect."""
        try:
            await self._check_clock(FIRST_SAMPLES)
            self._sent.start(self._clock.now_ms())
            await self._load_reference()
            if self._signer is not None:
                await self._check_account(apply=True)
        except ReadFailed as failure:
            await self.close()
            raise self._opening_problem(failure) from failure
        except Problem:
            await self.close()
            raise
        self._is_open = True
        await self._open_streams()
        self._work.background(self._keep_house())

    async def close(self) -> None:
        """Close every socket and thread; what was in flight is answered with reaction reconcile."""
        self._is_open = False
        for entry in self._entries:
            entry.abandon("the connector is closing")
        await self._work.stop()
        await asyncio.gather(*(s.stop() for s in (*self._sockets.private, *self._public.streams)))
        await asyncio.gather(self._rest.close(), self._order_rest.close())

    def execute(self, command: VenueCommand) -> None:
        """Carry out one command now; see the protocol. Call it on the loop, after :meth:`open`."""
        self.execute_all((command,))

    def execute_all(self, commands: Sequence[VenueCommand]) -> None:
        """Carry out the commands of one step now, orders first; see the protocol."""
        self._send_orders(c for c in commands if isinstance(c, RiskApproved | CancelOrder))
        for command in commands:
            self._answer_later(command)

    @property
    def outstanding(self) -> int:
        """Requests without an answer: orders, reads, subscriptions, and sockets that are being connected."""
        streams = sum(s.outstanding for s in (*self._sockets.private, *self._public.streams))
        orders = sum(entry.outstanding for entry in self._entries)
        return orders + self._work.outstanding + self._waiting + streams

    @property
    def frames_received(self) -> Mapping[int, int]:
        """Whole messages handled on each open socket, by its local port; protocol pings and pongs do not count."""
        return self._frames

    # --- reads that never reach the network --------------------------------------------------------------------

    @property
    def counters(self) -> Mapping[str, int]:
        """How often what happened: bad_frames, duplicates, resyncs, reconnects, late_answers, stale_topics, ..."""
        return self._counters

    def instruments(self) -> Mapping[InstrumentId, Instrument]:
        """Every instrument of the categories in use, as last loaded."""
        return self._reference.instruments

    def fee(self, instrument: InstrumentId) -> FeeRate | None:
        """The account's fees on ``instrument``, as last loaded."""
        return self._reference.fees.get(instrument)

    def ticker(self, instrument: InstrumentId) -> Ticker | None:
        """The last ticker of a subscribed instrument."""
        return self._cache.tickers.get(instrument)

    def quote(self, instrument: InstrumentId) -> QuoteChanged | None:
        """The last best bid and ask of a subscribed instrument."""
        return self._cache.quotes.get(instrument)

    def book(self, instrument: InstrumentId) -> BookView | None:
        """The deepest subscribed book, ``None`` while it is being rebuilt."""
        return self._cache.book(instrument)

    def bars(self, instrument: InstrumentId, interval: str) -> tuple[Bar, ...]:
        """The last closed bars seen or loaded, oldest first."""
        return self._cache.bars(instrument, interval)

    async def risk_tiers(self, instrument: InstrumentId) -> tuple[RiskTier, ...]:
        """Risk limits of a derivative, cached. Raises ``ReadFailed``."""
        return await self._reference.risk_tiers(instrument)

    # --- opening and keeping house -----------------------------------------------------------------------------

    async def _check_clock(self, samples: int) -> None:
        reading = await self._clock.measure(self._rest, samples)
        ok = is_acceptable(reading, self._config.clock_limit)
        self._emit(ClockChecked(self._stamp(0), reading.offset, ok))

    async def _load_reference(self) -> None:
        if await self._reference.refresh():
            instruments = tuple(self._reference.instruments.values())
            self._emit(InstrumentsLoaded(self._stamp(0), instruments, tuple(self._reference.fees.values())))

    async def _check_account(self, *, apply: bool) -> None:
        """Report the account against the settings, at first and whenever that changed."""
        problems = await self._account.check(apply=apply)
        if apply or problems != self._problems:
            self._problems = problems
            self._emit(AccountChecked(self._stamp(0), self._account.uid, problems))

    async def _open_streams(self) -> None:
        if self._signer is None:
            return
        for stream in self._sockets.private:
            stream.start()
        if not self._config.has_trade_socket:
            self._emit(ConnectionChanged(self._stamp(0), "trade", True, "orders go by REST here"))
        await asyncio.gather(*(stream.settled() for stream in self._sockets.private))
        refused = next((s.auth_refused for s in self._sockets.private if s.auth_refused), "")
        if refused:
            await self.close()
            raise key_problem(10004, refused, self._config)

    async def _keep_house(self) -> None:
        """Measure the clock, look for changed instruments and a changed account while the connector is open.

        An account that somebody changed meanwhile is reported, never changed back under an open position.
        """
        while True:
            await asyncio.sleep(self._config.clock_interval)
            try:
                await self._check_clock(LATER_SAMPLES)
                await self._load_reference()
                if self._signer is not None:
                    await self._check_account(apply=False)
            except ReadFailed:
                self._count("failed_housekeeping")
            except Problem as problem:
                self._emit(AccountChecked(self._stamp(0), self._account.uid, (str(problem),)))
            self._idle()

    def _opening_problem(self, failure: ReadFailed) -> Problem:
        if meaning_of(failure.code).reaction is Reaction.STOP and failure.code not in (0, 403):
            return key_problem(failure.code, failure.message, self._config)
        endpoint = endpoints_of(self._config).rest
        return Problem(
            ErrorCode.NOT_READY,
            f"Bybit at {endpoint} cannot be used: {failure}",
            field="exchange",
            remedy="Start the sandbox first."
            if self._config.environment is Environment.SANDBOX
            else "Check the network, exchange.site and the proxy; then try again.",
        )

    # --- commands ----------------------------------------------------------------------------------------------

    def _send_orders(self, commands: Iterable[OrderCommand]) -> None:
        for request in requests_of(commands, self._config.batching):
            if not self._is_open or self._signer is None:
                self._refuse(request)
            elif isinstance(request, StopRequest):
                self._by_rest.send(request)
            else:
                self._entry.send(request)

    def _refuse(self, request: Request) -> None:
        """Answer from the loop, never from within the command that is being carried out."""
        self._waiting += 1

        def refuse() -> None:
            self._waiting -= 1
            self._answers.not_sent(request, "the connector is not open for orders")
            self._idle()

        asyncio.get_running_loop().call_soon(refuse)

    def _answer_later(self, command: VenueCommand) -> None:
        """Whatever is no order."""
        queries = self._queries
        if isinstance(command, Subscribe):
            self._public.subscribe(command.key)
        elif isinstance(command, Unsubscribe):
            self._public.unsubscribe(command.key)
        elif isinstance(command, RequestBars):
            self._work.answer(lambda: queries.bars(command))
        elif isinstance(command, RequestTickers):
            self._work.answer(lambda: queries.tickers(command))
        elif isinstance(command, LookUpOrder):
            self._work.answer(lambda: queries.order(command))
        elif isinstance(command, Reconcile):
            self._work.answer(lambda: queries.everything(command))

    # --- parts -------------------------------------------------------------------------------------------------

    def _make_entry(self) -> OrderEntry:
        config = self._config
        if config.has_trade_socket:
            entry = SocketOrderEntry(self._answers, self._clock, self._sent, config.recv_window, config.answer_timeout)
            entry.count, entry.idle = self._count, self._idle
            return entry
        return self._by_rest

    @property
    def _entries(self) -> tuple[OrderEntry, ...]:
        """Every way orders and stops may go."""
        return (self._by_rest,) if self._entry is self._by_rest else (self._entry, self._by_rest)

    def _count(self, name: str) -> None:
        self._counters[name] += 1

    def _idle(self) -> None:
        if self._on_idle is not None:
            self._on_idle()
