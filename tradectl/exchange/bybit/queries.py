"""Commands that ask the venue something: each ends as the one event that answers it, also when the read failed."""

from tradectl.exchange.bybit.bar_history import BarHistory
from tradectl.exchange.bybit.market_cache import MarketCache
from tradectl.exchange.bybit.reconcile import Reconciler, is_conclusive
from tradectl.exchange.bybit.rest import Rest
from tradectl.exchange.bybit.sent_log import SentLog
from tradectl.exchange.bybit.tickers import read_tickers
from tradectl.exchange.exchange_connector import Sink, Stamp
from tradectl.exchange.retry_handler import ReadFailed
from tradectl.model.commands import LookUpOrder, Reconcile, RequestBars, RequestTickers
from tradectl.model.events import BarsLoaded, OrderLookedUp, Reconciled, TickersLoaded, UniverseRow
from tradectl.model.market_data import Bar


class Queries:
    """Reads bars, tickers, one order, or everything. ``recv_window`` in milliseconds."""

    def __init__(
        self,
        sink: Sink,
        stamp: Stamp,
        rest: Rest,
        history: BarHistory,
        cache: MarketCache,
        reconciler: Reconciler,
        sent: SentLog,
        recv_window: int,
    ) -> None:
        self._emit = sink
        self._stamp = stamp
        self._rest = rest
        self._history = history
        self._cache = cache
        self._reconciler = reconciler
        self._sent = sent
        self._recv_window = recv_window

    async def bars(self, request: RequestBars) -> None:
        """Answer with ``BarsLoaded``."""
        bars: tuple[Bar, ...] = ()
        error = ""
        try:
            bars = await self._history.load(request)
        except (ReadFailed, ValueError) as failure:
            error = str(failure)
        self._cache.add_bars(request.instrument, request.interval, bars)
        self._emit(BarsLoaded(self._stamp(0), request.instrument, request.interval, bars, error))

    async def tickers(self, request: RequestTickers) -> None:
        """Answer with ``TickersLoaded``."""
        rows: tuple[UniverseRow, ...] = ()
        error = ""
        try:
            rows = await read_tickers(self._rest, request.category)
        except (ReadFailed, ValueError) as failure:
            error = str(failure)
        self._emit(TickersLoaded(self._stamp(0), request.category, rows, error))

    async def order(self, command: LookUpOrder) -> None:
        """Answer with ``OrderLookedUp``."""
        link_id, order_id = command.link_id, command.order_id
        try:
            seen = await self._reconciler.look_up(command)
        except ReadFailed as failure:
            self._emit(OrderLookedUp(self._stamp(0), link_id, False, error=str(failure), order_id=order_id))
            return
        conclusive = is_conclusive(seen.asked_at, self._sent.last(link_id), self._recv_window)
        self._emit(OrderLookedUp(self._stamp(0), link_id, conclusive, seen.report, seen.executions, order_id=order_id))

    async def everything(self, command: Reconcile) -> None:
        """Answer with ``Reconciled``."""
        started = self._stamp(0)
        try:
            truth = await self._reconciler.read(command.since)
        except ReadFailed as failure:
            self._emit(Reconciled(self._stamp(0), started, error=str(failure)))
            return
        self._emit(
            Reconciled(
                self._stamp(0),
                started,
                truth.reports,
                truth.executions,
                truth.positions,
                truth.balances,
                truth.ledger,
            )
        )
