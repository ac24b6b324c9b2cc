"""The one flow: journal before venue, one event at a time, and what is left when the disk is full."""

from pathlib import Path
from typing import Any

import pytest

from tradectl.daemon.clocks import VenueClock
from tradectl.daemon.pump import Pump
from tradectl.daemon.timers import SteppedTimers
from tradectl.journal import Header, JournalFull, MemoryJournal
from tradectl.model.commands import Alert, AlertLevel, CancelOrder, Entry, RiskApproved, SetTimer
from tradectl.model.events import Event, JournalChecked, QuoteChanged, ReconcileRequested
from tradectl.model.instruments import Category, InstrumentId

BTC = InstrumentId(Category.LINEAR, "BTCUSDT")


class Brain:
    """An engine that answers each event with commands a test chose."""

    def __init__(self, answers: Any) -> None:
        self.seq = 0
        self.seen: list[Event] = []
        self._answers = answers
        self.world = type("World", (), {"order_seq": 1})()

    def apply(self, event: Event) -> tuple[Any, ...]:
        self.seq += 1
        self.seen.append(event)
        return tuple(self._answers(event))

    def checkpoint(self) -> bytes:
        return b"state"


class FullJournal(MemoryJournal):
    """Refuses normal writing while ``full``."""

    full = False

    def append(self, entry: Entry, reserve: bool = False) -> None:
        if self.full and not reserve:
            raise JournalFull(Path("x"), OSError(28, "No space left on device"))
        super().append(entry, reserve)


def event(n: int) -> ReconcileRequested:
    return ReconcileRequested(n, "test")


def test_the_journal_takes_a_record_before_anything_leaves() -> None:
    order: list[str] = []
    journal = MemoryJournal(Header(run="r"))
    append = journal.append
    journal.append = lambda entry, reserve=False: (order.append("journal"), append(entry, reserve))[1]  # type: ignore
    brain = Brain(lambda e: [SetTimer("t", 1)])
    pump = Pump(brain, journal, lambda c: order.append("sent"), lambda e: order.append("shown"))  # type: ignore
    pump.feed(event(1))
    assert order == ["journal", "sent", "shown"]


def test_an_event_fed_while_one_is_carried_out_waits_its_turn() -> None:
    log: list[int] = []
    pump: Pump

    def carry_out(commands: Any) -> None:
        if len(brain.seen) == 1:
            pump.feed(event(2))
            log.append(len(brain.seen))

    brain = Brain(lambda e: [SetTimer("t", 1)])
    pump = Pump(brain, MemoryJournal(Header(run="r")), carry_out, lambda e: log.append(e.seq))  # type: ignore[arg-type]
    pump.feed(event(1))
    assert log == [1, 1, 2]


def test_the_commands_of_a_step_are_carried_out_together() -> None:
    steps: list[Any] = []
    brain = Brain(lambda e: [SetTimer("a", e.received), SetTimer("b", e.received)])
    pump = Pump(brain, MemoryJournal(Header(run="r")), steps.append, lambda e: None)  # type: ignore[arg-type]
    pump.feed(event(1))
    pump.feed(event(2))
    assert steps == [(SetTimer("a", n), SetTimer("b", n)) for n in (1, 2)]


def test_a_full_disk_lets_cancels_out_and_no_order() -> None:
    journal = FullJournal(Header(run="r"))
    sent: list[Any] = []
    cancel = CancelOrder(1, "link", "", BTC)
    brain = Brain(lambda e: [] if isinstance(e, JournalChecked) else [RiskApproved(1, 1), cancel])
    pump = Pump(brain, journal, sent.extend, lambda e: None)  # type: ignore[arg-type]
    journal.full = True
    pump.feed(event(1))
    pump.feed(event(2))
    assert sent == [cancel, cancel]
    assert [type(e).__name__ for e in brain.seen] == ["ReconcileRequested", "JournalChecked", "ReconcileRequested"]
    assert brain.seen[1].ok is False  # type: ignore[attr-defined]
    pump.feed(QuoteChanged(3, 3, BTC, 1.0, 1.0, 2.0, 1.0))
    assert len(brain.seen) == 3, "prices are not written into the space kept for cancels"
    journal.full = False
    journal.restore()
    pump.writable_again()
    pump.feed(event(3))
    assert sent[-2:] == [RiskApproved(1, 1), cancel]


def test_an_engine_that_raises_sends_nothing_ever_again() -> None:
    def answer(e: Event) -> list[Any]:
        if e.received == 2:
            raise ZeroDivisionError("bug")
        return [Alert(1, AlertLevel.INFO, "a", "b")]

    sent: list[Any] = []
    deaths: list[BaseException] = []
    pump = Pump(Brain(answer), MemoryJournal(Header(run="r")), sent.extend, lambda e: None)  # type: ignore[arg-type]
    pump.failed = deaths.append
    for n in (1, 2, 3):
        pump.feed(event(n))
    assert len(sent) == 1
    assert isinstance(deaths[0], ZeroDivisionError)


def test_order_ids_are_reserved_durably_before_the_record_that_uses_them() -> None:
    journal = MemoryJournal(Header(run="r"))
    brain = Brain(lambda e: [])
    pump = Pump(brain, journal, lambda c: None, lambda e: None)  # type: ignore[arg-type]
    brain.world.order_seq = 5
    pump.feed(event(1))
    assert journal.reserved >= 5


def test_asking_returns_the_entry_of_that_very_event() -> None:
    brain = Brain(lambda e: [SetTimer("t", e.received)])
    pump = Pump(brain, MemoryJournal(Header(run="r")), lambda c: None, lambda e: None)  # type: ignore[arg-type]
    pump.feed(event(1))
    entry = pump.ask(event(7))
    assert entry.seq == 2
    assert entry.commands == (SetTimer("t", 7),)


@pytest.mark.parametrize("number", [1, 3])
def test_a_checkpoint_names_the_last_entry(number: int) -> None:
    pump = Pump(Brain(lambda e: []), MemoryJournal(Header(run="r")), lambda c: None, lambda e: None)  # type: ignore
    for n in range(number):
        pump.feed(event(n))
    assert pump.take_checkpoint() == (number, b"state")


def test_a_tick_delivers_what_is_due_once_and_what_that_sets_anew_before_it() -> None:
    answers = {"a": [SetTimer("b", 15)], "b": [], "c": []}
    brain = Brain(lambda e: answers[e.timer])
    timers = SteppedTimers(VenueClock(0), lambda fired: None)
    pump = Pump(brain, MemoryJournal(Header(run="r")), lambda c: [timers.set(x.timer, x.at) for x in c], lambda e: None)  # type: ignore
    pump.timers = timers
    timers.set("c", 20)
    timers.set("a", 10)
    pump.tick(9)
    assert brain.seen == []
    pump.tick(20)
    pump.tick(20)
    assert [(e.timer, e.received) for e in brain.seen] == [("a", 10), ("b", 15), ("c", 20)]  # type: ignore
