"""The one flow: event -> engine -> journal -> commands. Nothing leaves before the journal took it; never re-entrant."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import cast

from tradectl.daemon.timers import Timers
from tradectl.engine.trading_engine import TradingEngine
from tradectl.journal import Journal, JournalFull
from tradectl.model.commands import AnyCommand, Command, Entry, RiskApproved
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.events import MARKET_EVENTS, SCHEMA, AnyEvent, Event, JournalChecked

#: Takes the commands of one step together, so that orders of one batch can leave together.
CarryOut = Callable[[Sequence[Command]], None]
Observer = Callable[[Entry], None]
#: Order ids are reserved on disk in blocks of this many.
BLOCK = 10_000
#: A checkpoint is due after this many entries.
CHECKPOINT_EVERY = 50_000


class Pump:
    """Feeds events to the engine one at a time and carries out what it decided."""

    def __init__(self, engine: TradingEngine, journal: Journal, carry_out: CarryOut, observe: Observer) -> None:
        self._engine = engine
        self._journal = journal
        self._carry_out = carry_out
        self._observe = observe
        self._waiting: deque[Event] = deque()
        self._busy = False
        self._full = False
        self._asked: Event | None = None
        self._answer: Entry | None = None
        self.timers: Timers | None = None
        self.failed: Callable[[BaseException], None] | None = None
        self.dead = False
        self.checkpoint_seq = engine.seq

    def replace(self, engine: TradingEngine) -> None:
        """Go on with an engine that took over the state of the one before; call between two events."""
        self._engine = engine

    def feed(self, event: Event) -> None:
        """Take an event; one that comes while another is being carried out waits its turn."""
        if self.dead or (self._full and isinstance(event, MARKET_EVENTS)):
            return  # what is left of the space is for cancels and the halt, not for prices
        self._waiting.append(event)
        if self._busy:
            return
        self._busy = True
        try:
            while self._waiting and not self.dead:
                self._due_first(self._waiting[0])
                self._step(self._waiting.popleft())
        finally:
            self._busy = False

    def ask(self, event: Event) -> Entry:
        """:meth:`feed` for a person's request: the entry it became, with what was decided on it."""
        self._asked, self._answer = event, None
        self.feed(event)
        self._asked = None
        if self._answer is None:
            raise Problem(ErrorCode.NOT_READY, "the daemon is going down", remedy="tradectl start")
        return self._answer

    def tick(self, now: int) -> None:
        """The venue's clock stands at ``now``, with nothing to tell but the time: let come what is due."""
        for fired in self.timers.due_before(now) if self.timers is not None else ():
            self.feed(fired)

    def _due_first(self, event: Event) -> None:
        if self.timers is None:
            return
        for fired in self.timers.due_before(event.received):
            self._step(fired)
            if self.dead:
                return

    def _step(self, event: Event) -> None:
        try:
            commands = self._engine.apply(event)
        except Exception as error:  # noqa: BLE001 - whatever it was, a half-applied event must not trade on
            self._die(error)
            return
        entry = Entry(SCHEMA, self._engine.seq, cast(AnyEvent, event), cast(tuple[AnyCommand, ...], commands))
        if event is self._asked:
            self._answer = entry
        try:
            if self._engine.world.order_seq > self._journal.reserved:
                self._journal.reserve(self._engine.world.order_seq + BLOCK)
            self._journal.append(entry)
        except JournalFull as full:
            self._without_journal(entry, full)
            return
        self._carry_out(commands)
        self._observe(entry)

    def _without_journal(self, entry: Entry, full: JournalFull) -> None:
        """Only what removes risk may leave, from the space kept for it; the engine hears of it as its next event."""
        try:
            self._journal.append(entry, reserve=True)
        except JournalFull as error:
            self._die(error)
            return
        self._carry_out([command for command in entry.commands if not isinstance(command, RiskApproved)])
        self._observe(entry)
        if not self._full:
            self._full = True
            self._waiting.appendleft(JournalChecked(entry.event.received, False, full.reason))

    def _die(self, error: BaseException) -> None:
        self.dead = True
        if self.failed is not None:
            self.failed(error)

    def writable_again(self) -> None:
        """The journal takes records normally: market data is heard again; trading waits for a person."""
        self._full = False

    def checkpoint_due(self) -> bool:
        """Whether enough has happened since the last checkpoint."""
        return self._engine.seq - self.checkpoint_seq >= CHECKPOINT_EVERY

    def take_checkpoint(self) -> tuple[int, bytes]:
        """The engine's state after the last entry; call between two events.

        Raises ``Problem`` while a strategy holds what cannot be written down; the guard stops it within seconds.
        """
        state = self._engine.checkpoint()
        self.checkpoint_seq = self._engine.seq
        return self._engine.seq, state
