"""What the RPC handlers stand on: the pump, the views, and the facts of the process around them."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tradectl.daemon.paper import PaperConnector
from tradectl.daemon.pump import Pump
from tradectl.daemon.reloading import Reload
from tradectl.daemon.views import Views
from tradectl.engine.config import EngineConfig
from tradectl.engine.trading_engine import TradingEngine
from tradectl.exchange.bybit.connector import BybitConnector
from tradectl.model.commands import Command, Entry, OrderChanged, RequestAnswered
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.events import Event, WatchRequested
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.orders import OrderStatus
from tradectl.rpc.methods import ChildStatus, JournalStatus, Life, StreamStatus
from tradectl.rpc.server import Feed, Peer
from tradectl.settings import Settings

_C = TypeVar("_C", bound=Command)
#: An order still on its way to the venue has one of these.
_UNDECIDED = frozenset({OrderStatus.QUEUED, OrderStatus.SENT, OrderStatus.UNKNOWN, OrderStatus.ACCEPTED})


def who(peer: Peer) -> str:
    """The person (or process) behind a connection."""
    return f"uid {peer.uid}"


class Service:
    """Everything a handler may use. Built once by the daemon."""

    def __init__(
        self,
        *,
        mode: str,
        profile: str,
        config: EngineConfig,
        default_category: Category,
        engine: TradingEngine,
        pump: Pump,
        views: Views,
        feed: Feed,
        clock: Callable[[int], int],
        connector: BybitConnector | PaperConnector,
        journal: Callable[[], JournalStatus],
        children: Callable[[], tuple[ChildStatus, ...]],
        streams: Callable[[], tuple[StreamStatus, ...]],
        stop: Callable[[str], None],
        strategies_dir: Path | None,
        reload: Callable[[Reload], None],
        settings: Callable[[], Settings],
    ) -> None:
        self.mode, self.profile, self.config = mode, profile, config
        self.default_category = default_category
        self.engine, self.pump, self.views, self.feed = engine, pump, views, feed
        self.clock, self.connector = clock, connector
        self.journal, self.children, self.streams, self.stop = journal, children, streams, stop
        self.strategies_dir, self.reload, self.settings = strategies_dir, reload, settings
        self.life = Life.STARTING
        self.started = time.time_ns()
        self.uid = ""
        self.site = ""
        self.clock_offset: int | None = None
        self._waiters: dict[str, asyncio.Future[OrderChanged]] = {}
        self._watching: dict[InstrumentId, asyncio.Event] = {}
        self._enders: dict[str, asyncio.Future[OrderChanged]] = {}

    def now(self) -> int:
        """The engine's time for a request."""
        return self.clock(0)

    def instrument(self, symbol: str, category: Category | None) -> InstrumentId:
        """The instrument a person means. Raises ``Problem`` (UNKNOWN_SYMBOL) with the nearest names."""
        instrument = InstrumentId(category or self.default_category, symbol)
        known = self.views.instruments
        if instrument in known:
            return instrument
        import difflib

        names = [i.symbol for i in known if i.category is instrument.category]
        near = difflib.get_close_matches(symbol.upper(), names, 1, 0.5)
        raise Problem(
            ErrorCode.UNKNOWN_SYMBOL,
            f"{instrument.category.value} has no symbol {symbol!r}" + (f"; did you mean {near[0]}" if near else ""),
            field="symbol",
            reason="no instrument of this venue",
            remedy="tradectl instruments lists them",
        )

    def ask(self, event: Event, kind: type[_C]) -> tuple[Entry, _C]:
        """Put a request to the engine: the entry, and its first answer of ``kind``. Raises ``Problem``."""
        entry = self.pump.ask(event)
        for command in entry.commands:
            if isinstance(command, RequestAnswered) and not command.ok:
                raise Problem(ErrorCode(command.code), command.text, reason=command.text)
        for command in entry.commands:
            if isinstance(command, kind):
                return entry, command
        raise Problem(ErrorCode.INTERNAL, f"the engine gave no {kind.__name__} for {type(event).__name__}")

    def require_up(self) -> None:
        """Raises ``Problem`` (NOT_READY) while the venue was not reached yet."""
        if self.life is not Life.UP:
            raise Problem(
                ErrorCode.NOT_READY,
                f"the daemon is {self.life.value}",
                reason="the venue has not been reached yet",
                remedy="tradectl status shows what it waits for",
            )

    async def priced(self, instrument: InstrumentId, timeout: float = 3.0) -> None:
        """Have the prices of an instrument nobody follows yet; after ``timeout`` seconds risk says what is missing."""
        if self._has_prices(instrument):
            return
        seen = self._watching.setdefault(instrument, asyncio.Event())
        self.pump.feed(WatchRequested(self.now(), "operator", instrument))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await seen.wait()

    def _has_prices(self, instrument: InstrumentId) -> bool:
        return instrument in self.views.tickers and instrument in self.views.quotes

    # --- waiting for the venue's word on an order

    def observe(self, entry: Entry) -> None:
        """Wake whoever waits for a price, or for an order that changed."""
        for instrument in [i for i in self._watching if self._has_prices(i)]:
            self._watching.pop(instrument).set()
        if not self._waiters and not self._enders:
            return
        for command in entry.commands:
            if not isinstance(command, OrderChanged):
                continue
            if command.status not in _UNDECIDED:
                _wake(self._waiters, command)
            if command.status.is_final:
                _wake(self._enders, command)

    async def ended(self, link_id: str, timeout: float = 3.0) -> None:
        """Wait until an order is final, at most ``timeout`` seconds."""
        waiter = self._enders.setdefault(link_id, asyncio.get_running_loop().create_future())
        try:
            async with asyncio.timeout(timeout):
                await asyncio.shield(waiter)
        except TimeoutError:
            self._enders.pop(link_id, None)

    async def outcome(self, link_id: str, timeout: float = 3.0) -> OrderChanged:
        """The order once the venue has decided on it, or as it is after ``timeout`` seconds."""
        known = self.views.orders[link_id]
        if known.status not in _UNDECIDED:
            return known
        waiter = self._waiters.setdefault(link_id, asyncio.get_running_loop().create_future())
        try:
            async with asyncio.timeout(timeout):
                return await asyncio.shield(waiter)
        except TimeoutError:
            self._waiters.pop(link_id, None)
            return self.views.orders.get(link_id, known)


def _wake(waiters: dict[str, asyncio.Future[OrderChanged]], order: OrderChanged) -> None:
    waiter = waiters.pop(order.link_id, None)
    if waiter is not None and not waiter.done():
        waiter.set_result(order)
