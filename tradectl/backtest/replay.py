"""Feeds a run's journal to a fresh engine: every command must come out again, byte for byte (decision 5)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from tradectl.engine.config import EngineConfig
from tradectl.engine.strategy import Strategy
from tradectl.engine.trading_engine import TradingEngine
from tradectl.model.commands import DecisionMade, Entry

Classes = Mapping[str, type[Strategy]]
#: Differences shown with their context; more of them say nothing new.
SHOWN = 5
_ENCODE = msgspec.msgpack.Encoder().encode


class Chapter(Struct, frozen=True):
    """From entry ``after`` + 1 on, the run was led by ``config`` and ``classes``."""

    after: int
    config: EngineConfig
    classes: Classes


class Difference(Struct, frozen=True):
    """Where a replay departs from the record: what was decided then, and what is decided now."""

    seq: int
    event: str
    recorded: tuple[str, ...]
    replayed: tuple[str, ...]


class ReplayReport(Struct, frozen=True):
    """How a replay went; ``identical`` when every command of every entry was the same to the byte."""

    entries: int
    commands: int
    orders: int
    decisions: int
    differing: int
    differences: tuple[Difference, ...]
    last_seq: int

    @property
    def identical(self) -> bool:
        return self.differing == 0


class _Tally:
    """Counts while a replay goes on."""

    def __init__(self) -> None:
        self.entries = self.commands = self.orders = self.decisions = self.differing = self.last = 0
        self.shown: list[Difference] = []

    def take(self, entry: Entry, again: Sequence[Any]) -> None:
        self.entries += 1
        self.last = entry.seq
        self.commands += len(entry.commands)
        self.decisions += sum(isinstance(c, DecisionMade) for c in entry.commands)
        self.orders += sum(type(c).__name__ == "RiskApproved" for c in entry.commands)
        if _ENCODE(entry.commands) != _ENCODE(tuple(again)):
            self.differing += 1
            if len(self.shown) < SHOWN:
                self.shown.append(_difference(entry, again))


def _difference(entry: Entry, again: Sequence[Any]) -> Difference:
    then, now = list(entry.commands), list(again)
    while then and now and _ENCODE(then[0]) == _ENCODE(now[0]):
        then.pop(0)
        now.pop(0)
    return Difference(
        entry.seq, _short(entry.event), tuple(_short(c) for c in then[:3]), tuple(_short(c) for c in now[:3])
    )


def _short(record: Any) -> str:
    text = repr(record)
    return text if len(text) <= 300 else text[:297] + "..."


def replay(
    entries: Iterator[Entry], chapters: Sequence[Chapter], progress: Callable[[int], None] = lambda seq: None
) -> ReplayReport:
    """Replay ``entries`` (from the first of the run) through the ``chapters`` in order.

    A new chapter takes over the state of the one before, as a restart does. Raises ``ValueError`` when the entries do
    not begin at 1 or there is no chapter, and what the journal's reader raises on damage.
    """
    if not chapters:
        raise ValueError("the run has no recorded configuration")
    upcoming = list(chapters)
    first = upcoming.pop(0)
    engine = TradingEngine(first.config, first.classes)
    tally = _Tally()
    for entry in entries:
        while upcoming and entry.seq > upcoming[0].after:
            engine = _taken_over(engine, upcoming.pop(0))
        if entry.seq != engine.seq + 1:
            raise ValueError(f"entry {engine.seq + 1} is missing: the journal goes on with {entry.seq}")
        engine.forewarn(entry.commands)
        tally.take(entry, engine.apply(entry.event))
        if entry.seq % 10_000 == 0:
            progress(entry.seq)
    return ReplayReport(
        tally.entries, tally.commands, tally.orders, tally.decisions, tally.differing, tuple(tally.shown), tally.last
    )


def _taken_over(engine: TradingEngine, chapter: Chapter) -> TradingEngine:
    fresh = TradingEngine(chapter.config, chapter.classes)
    fresh.restore(engine.checkpoint())
    return fresh
