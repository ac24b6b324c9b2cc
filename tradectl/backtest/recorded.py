"""A recorded live, paper or sandbox run, read from its journal: what the engine was told and what it did about it."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import TypeVar

from msgspec import Struct

from tradectl.backtest.ledger import Ledger
from tradectl.backtest.replay import Chapter
from tradectl.model.commands import Command, Entry
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.events import (
    BarClosed,
    BarsLoaded,
    Event,
    Executed,
    InstrumentsLoaded,
    PositionsReported,
    QuoteChanged,
    Reconciled,
    Started,
    TickerChanged,
    TradePrinted,
)
from tradectl.model.instruments import FeeRate, Instrument, InstrumentId
from tradectl.model.market_data import INTERVALS, Bar
from tradectl.model.orders import Execution

#: Gives the entries of the run anew, from the first on, at each call.
Entries = Callable[[], Iterator[Entry]]
Market = BarClosed | QuoteChanged | TradePrinted | TickerChanged
#: Market data that is heard.
MARKET = (BarClosed, QuoteChanged, TradePrinted, TickerChanged)
_C = TypeVar("_C", bound=Command)


class Settlement(Struct, frozen=True):
    """A funding payment the venue made: its time, the rate, and the mark price it was computed at."""

    instrument: InstrumentId
    ts: int
    rate: Decimal
    price: Decimal


class Facts(Struct):
    """What one pass over a recorded run finds. Times in nanoseconds UTC; ``marks`` are the last prices known.

    ``began`` and ``ended`` are the engine's time, ``opened`` the venue's at the first word of the market: the clock of
    a sandbox may run faster than ours. ``start`` is the account when the run began: the first reconciliation.
    ``last_started`` is the entry of the last start of the daemon; ``entries`` how many there are. ``missed`` are bars
    that no stream delivered live: they were loaded after an interruption. ``leverage`` is the first one the venue
    stated of a position.
    """

    ledger: Ledger
    instruments: dict[InstrumentId, Instrument]
    fees: dict[InstrumentId, FeeRate]
    start: Reconciled | None = None
    began: int = 0
    opened: int = 0
    ended: int = 0
    entries: int = 0
    last_started: int = 0
    settlements: dict[tuple[InstrumentId, int], Settlement] = {}
    marks: dict[InstrumentId, float] = {}
    missed: list[BarClosed] = []
    leverage: Decimal | None = None


class Recorded:
    """A recorded run. Nothing is loaded before it is asked for, and market data is never held as a whole."""

    def __init__(self, run: str, mode: str, entries: Entries, chapters: tuple[Chapter, ...], first: int = 1) -> None:
        """``first`` is the first entry whose market data is still there."""
        if not chapters:
            raise Problem(
                ErrorCode.NOT_FOUND, f"run {run} has no recorded configuration", field="run",
                reason="its configs.json is missing", remedy="restore the journal from a backup",
            )  # fmt: skip
        self.run, self.mode, self.chapters, self.first = run, mode, chapters, first
        self.entries = entries
        self._facts: Facts | None = None

    @property
    def facts(self) -> Facts:
        """See :class:`Facts`; read once."""
        if self._facts is None:
            self._facts = _read(self.entries())
        return self._facts

    def market(self) -> Iterator[Market]:
        """Market data as the engine heard it, in that order."""
        return (entry.event for entry in self.entries() if isinstance(entry.event, MARKET))

    def executions(self) -> Iterator[Execution]:
        """Fills and funding as the venue told them, also what it told twice."""
        return (entry.event.execution for entry in self.entries() if isinstance(entry.event, Executed))

    def said(self, kind: type[_C]) -> Iterator[_C]:
        """Every command of one kind: decisions, orders, equity marks, transfers."""
        return (command for entry in self.entries() for command in entry.commands if isinstance(command, kind))

    def refuse_pruned(self) -> None:
        """Raise ``Problem`` unless all market data is still there."""
        if self.first > 1:
            raise Problem(
                ErrorCode.NOT_FOUND, f"the market data of run {self.run} is complete only from entry {self.first}",
                field="run", reason="older market segments were pruned to the disk budget",
                remedy="raise journal.market_budget before the next run",
            )  # fmt: skip


def _read(entries: Iterator[Entry]) -> Facts:
    facts = Facts(Ledger(), {}, {}, settlements={}, marks={}, missed=[])
    bars = _Bars()
    for entry in entries:
        event = entry.event
        facts.entries = entry.seq
        facts.ledger.take(entry.commands)
        if isinstance(event, MARKET):
            _market(facts, event, bars)
            continue
        _other(facts, event, entry.seq, bars)
    facts.missed = bars.missed()
    return facts


def _market(facts: Facts, event: Market, bars: "_Bars") -> None:
    facts.began, facts.opened = facts.began or event.received, facts.opened or event.ts
    facts.ended = max(facts.ended, event.received)
    if isinstance(event, TickerChanged):
        facts.marks[event.instrument] = event.ticker.mark or event.ticker.last
    elif isinstance(event, BarClosed):
        bars.closed(event)
        facts.marks[event.instrument] = event.mark or event.bar.close


def _other(facts: Facts, event: Event, seq: int, bars: "_Bars") -> None:
    if isinstance(event, Executed) and event.execution.type == "Funding":
        done = event.execution
        facts.settlements[done.instrument, done.ts] = Settlement(done.instrument, done.ts, done.fee_rate, done.price)
    elif isinstance(event, BarsLoaded):
        bars.loaded(event)
    elif isinstance(event, InstrumentsLoaded):
        facts.instruments.update((it.id, it) for it in event.instruments)
        facts.fees.update((it.instrument, it) for it in event.fees)
    elif isinstance(event, PositionsReported | Reconciled):
        stated = (it.leverage for it in event.positions if it.leverage)
        facts.leverage = facts.leverage or next(stated, None)
        if isinstance(event, Reconciled) and not event.error and facts.start is None:
            facts.start = event
    elif isinstance(event, Started):
        facts.last_started = seq


class _Bars:
    """Which bars came live, and which were only loaded after the stream had begun."""

    def __init__(self) -> None:
        self._live: dict[tuple[InstrumentId, str], set[int]] = {}
        self._loaded: dict[tuple[InstrumentId, str], dict[int, Bar]] = {}

    def closed(self, event: BarClosed) -> None:
        self._live.setdefault((event.instrument, event.interval), set()).add(event.bar.open_time)

    def loaded(self, event: BarsLoaded) -> None:
        known = self._loaded.setdefault((event.instrument, event.interval), {})
        known.update((bar.open_time, bar) for bar in event.bars)

    def missed(self) -> list[BarClosed]:
        """In the order in which they closed."""
        found = []
        for key, bars in self._loaded.items():
            live = self._live.get(key, set())
            first, length = min(live, default=0), INTERVALS[key[1]]
            for at, bar in bars.items():
                if first and at > first and at not in live:
                    end = at + length
                    found.append(BarClosed(end, end, key[0], key[1], Bar(*_prices(bar))))
        return sorted(found, key=lambda it: (it.received, it.instrument, it.interval))


def _prices(bar: Bar) -> tuple[int, float, float, float, float, float, float]:
    return bar.open_time, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.turnover
