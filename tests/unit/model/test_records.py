"""Every event and command goes into a journal entry and comes back the same, whatever it holds."""

import typing
from decimal import Decimal
from enum import Enum
from types import UnionType
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tradectl.model import commands, events
from tradectl.model.commands import AnyCommand, Command, Entry
from tradectl.model.errors import MEANINGS, ErrorCode, Problem
from tradectl.model.events import SCHEMA, AnyEvent, Event
from tradectl.model.orders import FINAL, OrderStatus, Side

EVENTS = typing.get_args(AnyEvent)
COMMANDS = typing.get_args(AnyCommand)
PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(-(2**62), 2**62),
    float: st.floats(allow_nan=False),
    str: st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    bool: st.booleans(),
    type(None): st.none(),
    Decimal: st.decimals(allow_nan=False, allow_infinity=False, places=8),
    Any: st.none(),
}


def strategy_for(kind: Any) -> st.SearchStrategy[Any]:
    """Values of an annotation."""
    if kind in PLAIN:
        return PLAIN[kind]
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, UnionType):
        return st.one_of([strategy_for(a) for a in args])
    if origin is tuple:
        if len(args) == 2 and args[1] is Ellipsis:
            return st.lists(strategy_for(args[0]), max_size=2).map(tuple)
        return st.tuples(*(strategy_for(a) for a in args))
    if origin is dict:
        return st.dictionaries(strategy_for(args[0]), strategy_for(args[1]), max_size=2)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(list(kind))
    assert isinstance(kind, type)
    assert issubclass(kind, msgspec.Struct)
    hints = typing.get_type_hints(kind)
    return st.builds(kind, *(strategy_for(hints[name]) for name in kind.__struct_fields__))


def test_the_unions_hold_every_record() -> None:
    for module, base, union in ((events, Event, EVENTS), (commands, Command, COMMANDS)):
        defined = {v for v in vars(module).values() if isinstance(v, type) and issubclass(v, base) and v is not base}
        assert defined == set(union)


@pytest.mark.parametrize("kind", [*EVENTS, *COMMANDS], ids=lambda k: k.__name__)
def test_every_record_round_trips_through_an_entry(kind: type) -> None:
    decoder = msgspec.msgpack.Decoder(Entry)

    @given(strategy_for(kind), strategy_for(events.TimerFired))
    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    def check(record: Any, timer: Any) -> None:
        is_event = isinstance(record, Event)
        entry = Entry(SCHEMA, 7, record if is_event else timer, () if is_event else (record, record))
        data = msgspec.msgpack.encode(entry)
        again = decoder.decode(data)
        assert again == entry
        assert type(again.event) is type(entry.event)
        assert [type(c) for c in again.commands] == [type(c) for c in entry.commands]
        assert msgspec.msgpack.encode(again) == data
        with pytest.raises(AttributeError):
            record.received = 1

    check()


def test_records_of_an_older_journal_stay_readable() -> None:
    """Fields are only appended with defaults: a record without its last field still decodes."""
    event = events.Started(5, "run", True, 9)
    row = msgspec.msgpack.decode(msgspec.msgpack.encode(Entry(SCHEMA, 1, event)))
    row[2] = row[2][:-1]
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(row), type=Entry)
    assert again.event == events.Started(5, "run", True, 1)


def test_an_unknown_record_is_refused() -> None:
    row = msgspec.msgpack.decode(msgspec.msgpack.encode(Entry(SCHEMA, 1, events.ReconcileRequested(1, "me"))))
    row[2][0] = "NoSuchEvent"
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(msgspec.msgpack.encode(row), type=Entry)


def test_sides_and_final_statuses() -> None:
    assert (Side.BUY.sign, Side.SELL.sign) == (1, -1)
    assert Side.BUY.opposite is Side.SELL
    assert Side.SELL.opposite is Side.BUY
    open_ones = {s for s in OrderStatus if not s.is_final}
    assert open_ones == {
        OrderStatus.QUEUED, OrderStatus.SENT, OrderStatus.UNKNOWN, OrderStatus.ACCEPTED, OrderStatus.NEW,
        OrderStatus.UNTRIGGERED, OrderStatus.TRIGGERED, OrderStatus.PARTIALLY_FILLED,
    }  # fmt: skip
    assert open_ones.isdisjoint(FINAL)


def test_every_error_has_a_meaning_everywhere() -> None:
    assert set(MEANINGS) == set(ErrorCode)
    problem = Problem(ErrorCode.HALTED, "trading is halted", remedy="tradectl resume")
    assert str(problem) == "trading is halted. tradectl resume"
    assert problem.reason == "trading is halted"
    assert problem.meaning.exit_code == 12
    assert str(Problem(ErrorCode.INTERNAL, "odd")) == "odd"
