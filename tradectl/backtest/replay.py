"""Feeds a run's journal to a fresh engine: every command must come out again, byte for byte (decision 5)."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from tradectl.backtest.differences import DecisionChange, RecordChange, decided, decision_changes, record_changes
from tradectl.engine.config import EngineConfig
from tradectl.engine.describe import describe
from tradectl.engine.strategy import Strategy
from tradectl.engine.trading_engine import TradingEngine
from tradectl.model.commands import DecisionMade, Entry

Classes = Mapping[str, type[Strategy]]
#: Differences shown with their context; more of them say nothing new.
SHOWN = 5
#: Decisions shown side by side: enough to see how changed code or settings behave.
SHOWN_DECISIONS = 50
#: Entries told before a difference, and decisions remembered for orders that left later.
BEFORE, REMEMBERED = 5, 256
_ENCODE = msgspec.msgpack.Encoder().encode


class Chapter(Struct, frozen=True):
    """From entry ``after`` + 1 on, the run was led by ``config`` and ``classes``."""

    after: int
    config: EngineConfig
    classes: Classes


class Start(Struct, frozen=True):
    """A checkpoint to begin from: the engine's state after entry ``seq``."""

    seq: int
    state: bytes


class Difference(Struct, frozen=True):
    """Where a replay departs from the record: the entry, what came ``before`` it, and each record that differs.

    ``decision`` is the decision the first of them goes back to, in words; empty when it goes back to none.
    """

    seq: int
    at: int
    event: str
    before: tuple[str, ...]
    decision: str
    changes: tuple[RecordChange, ...]


class ReplayReport(Struct, frozen=True):
    """How a replay went; ``identical`` when every command of every entry was the same to the byte.

    ``first_seq`` to ``last_seq`` were replayed. ``redecided`` counts decisions that came out otherwise.
    """

    entries: int
    commands: int
    orders: int
    decisions: int
    differing: int
    differences: tuple[Difference, ...]
    last_seq: int
    first_seq: int = 1
    redecided: int = 0
    decision_diff: tuple[DecisionChange, ...] = ()

    @property
    def identical(self) -> bool:
        return self.differing == 0


class _Tally:
    """Counts while a replay goes on."""

    def __init__(self, first: int) -> None:
        self.first, self.last = first, first - 1
        self.entries = self.commands = self.orders = self.decisions = self.differing = self.redecided = 0
        self.shown: list[Difference] = []
        self.diff: list[DecisionChange] = []
        self._before: deque[Entry] = deque(maxlen=BEFORE)
        self._made: dict[int, DecisionMade] = {}

    def take(self, entry: Entry, again: Sequence[Any]) -> None:
        self.entries += 1
        self.last = entry.seq
        if entry.commands:
            self._count(entry)
        if _ENCODE(entry.commands) != _ENCODE(tuple(again)):
            self._note(entry, again)
        self._before.append(entry)

    def _count(self, entry: Entry) -> None:
        self.commands += len(entry.commands)
        for command in entry.commands:
            if isinstance(command, DecisionMade):
                self.decisions += 1
                self._made[command.id] = command
                if len(self._made) > REMEMBERED:
                    del self._made[next(iter(self._made))]
            elif type(command).__name__ == "RiskApproved":
                self.orders += 1

    def _note(self, entry: Entry, again: Sequence[Any]) -> None:
        self.differing += 1
        changed = decision_changes(entry.seq, entry.commands, again)
        self.redecided += len(changed)
        self.diff += changed[: SHOWN_DECISIONS - len(self.diff)]
        if len(self.shown) < SHOWN:
            before = tuple(f"{e.seq}: {describe(e.event)}" for e in self._before)
            changes = tuple(record_changes(entry.commands, again))
            event, at = describe(entry.event), entry.event.received
            self.shown.append(Difference(entry.seq, at, event, before, self._decision(entry, again), changes))

    def _decision(self, entry: Entry, again: Sequence[Any]) -> str:
        then, now = list(entry.commands), list(again)
        while then and now and _ENCODE(then[0]) == _ENCODE(now[0]):
            then.pop(0)
            now.pop(0)
        for record in (*then[:1], *now[:1]):
            if isinstance(record, DecisionMade):
                return decided(record)
            known = self._made.get(getattr(record, "decision", 0))
            if known is not None:
                return decided(known)
        return ""

    def report(self) -> ReplayReport:
        return ReplayReport(
            self.entries, self.commands, self.orders, self.decisions, self.differing, tuple(self.shown), self.last,
            self.first, self.redecided, tuple(self.diff),
        )  # fmt: skip


def replay(
    entries: Iterator[Entry], chapters: Sequence[Chapter], progress: Callable[[int], None] = lambda seq: None,
    start: Start | None = None,
) -> ReplayReport:  # fmt: skip
    """Replay ``entries`` through the ``chapters`` in order: from the first of the run, or from behind ``start``.

    A new chapter takes over the state of the one before, as a restart does. Raises ``ValueError`` when the entries do
    not begin at 1 (behind ``start``), there is no chapter or the checkpoint is none of this schema, and what the
    journal's reader raises on damage.
    """
    if not chapters:
        raise ValueError("the run has no recorded configuration")
    upcoming = list(chapters)
    while start is not None and len(upcoming) > 1 and upcoming[1].after <= start.seq:
        upcoming.pop(0)
    first = upcoming.pop(0)
    engine = TradingEngine(first.config, first.classes)
    if start is not None:
        engine.restore(start.state)
    tally = _Tally(engine.seq + 1)
    for entry in entries:
        while upcoming and entry.seq > upcoming[0].after:
            engine = _taken_over(engine, upcoming.pop(0))
        if entry.seq != engine.seq + 1:
            raise ValueError(f"entry {engine.seq + 1} is missing: the journal goes on with {entry.seq}")
        engine.forewarn(entry.commands)
        tally.take(entry, engine.apply(entry.event))
        if entry.seq % 10_000 == 0:
            progress(entry.seq)
    return tally.report()


def _taken_over(engine: TradingEngine, chapter: Chapter) -> TradingEngine:
    fresh = TradingEngine(chapter.config, chapter.classes)
    fresh.restore(engine.checkpoint())
    return fresh
