"""How what was recorded differs from what is decided now: record by record, field by field, in words."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from difflib import SequenceMatcher
from enum import Enum
from typing import Any

import msgspec
from msgspec import Struct

from tradectl.model.commands import DecisionMade, OrderChanged, RiskApproved
from tradectl.model.money import plain

_ENCODE = msgspec.msgpack.Encoder().encode
#: Fields that say what a record is about, in the order in which they are told.
_TELLING = ("name", "strategy", "link_id", "instrument", "timer", "code", "status", "coin", "text")


class FieldChange(Struct, frozen=True):
    """One field (``order.price``) that is not as it was; ``-`` where there is none."""

    field: str
    recorded: str
    replayed: str


class RecordChange(Struct, frozen=True):
    """One record that is ``changed``, ``missing`` (recorded, no longer made) or ``added`` (not recorded, made now)."""

    kind: str
    record: str
    about: str
    fields: tuple[FieldChange, ...] = ()


class DecisionChange(Struct, frozen=True):
    """What a strategy decided at an entry then and now, in words; ``-`` for nothing."""

    seq: int
    at: int
    strategy: str
    recorded: str
    replayed: str


def record_changes(then: Sequence[Any], now: Sequence[Any]) -> list[RecordChange]:
    """What turns ``then`` into ``now``, in order; records that are the same to the byte are left out."""
    left, right = [_ENCODE(record) for record in then], [_ENCODE(record) for record in now]
    changes: list[RecordChange] = []
    for tag, i, j, k, m in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if tag != "equal":
            changes += _block(list(then[i:j]), list(now[k:m]))
    return changes


def _block(then: list[Any], now: list[Any]) -> Iterator[RecordChange]:
    for record in then:
        twin = next((other for other in now if type(other) is type(record)), None)
        if twin is None:
            yield RecordChange("missing", type(record).__name__, about(record))
            continue
        now.remove(twin)
        yield RecordChange("changed", type(record).__name__, about(record), tuple(field_changes(record, twin)))
    for record in now:
        yield RecordChange("added", type(record).__name__, about(record))


def field_changes(then: Any, now: Any) -> Iterator[FieldChange]:
    """The fields of two records that differ."""
    left, right = dict(_flat(then)), dict(_flat(now))
    for name in dict.fromkeys((*left, *right)):
        before, after = left.get(name, "-"), right.get(name, "-")
        if before != after:
            yield FieldChange(name, before, after)


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    dot = f"{name}." if name else ""
    if isinstance(value, Struct):
        for field in value.__struct_fields__:
            yield from _flat(getattr(value, field), dot + field)
    elif isinstance(value, tuple | list):
        for index, item in enumerate(value):
            yield from _flat(item, f"{dot}{index}")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(item, f"{dot}{key}")
    else:
        yield name, _text(value)


def _text(value: Any) -> str:
    """Exact: ``1.0`` and ``1.00`` are two amounts to the byte."""
    if isinstance(value, Enum):
        return str(value.value)
    return str(value) if isinstance(value, str | Decimal) else repr(value)


def about(record: Any) -> str:
    """Which record it is, in a few words."""
    if isinstance(record, DecisionMade):
        return decided(record)
    if isinstance(record, RiskApproved) and record.order is not None:
        order = record.order
        price = f"at {plain(order.price)}" if order.price is not None else "at market"
        return f"{order.link_id}: {order.side.value.lower()} {plain(order.qty)} {order.instrument} {price}"
    if isinstance(record, OrderChanged):
        return f"{record.link_id} of {record.strategy} is {record.status.value}, {plain(record.filled)} filled"
    said = [_text(getattr(record, name)) for name in _TELLING if getattr(record, name, "")]
    return " ".join(said)


def decided(made: DecisionMade) -> str:
    """A decision in words."""
    side = f" {made.side.value.lower()}" if made.side is not None else ""
    price = f" at {plain(made.price)}" if made.price is not None else ""
    refused = "" if made.accepted else ", refused"
    return f"{made.strategy}: {made.action}{side} {plain(made.qty)} {made.instrument}{price}{refused} ({made.reason})"


def decision_changes(seq: int, then: Iterable[Any], now: Iterable[Any]) -> list[DecisionChange]:
    """Decisions made then or now but not both, ids aside, those of one strategy on one instrument side by side."""
    old = [made for made in then if isinstance(made, DecisionMade)]
    new = [made for made in now if isinstance(made, DecisionMade)]
    gone, come = _beyond(old, new), _beyond(new, old)
    changes = []
    for made in gone:
        twin = next((it for it in come if (it.strategy, it.instrument) == (made.strategy, made.instrument)), None)
        if twin is not None:
            come.remove(twin)
        changes.append(DecisionChange(seq, made.at, made.strategy, decided(made), decided(twin) if twin else "-"))
    return changes + [DecisionChange(seq, made.at, made.strategy, "-", decided(made)) for made in come]


def _beyond(some: list[DecisionMade], others: list[DecisionMade]) -> list[DecisionMade]:
    """Those of ``some`` that have no equal in ``others``."""
    known = Counter(_core(made) for made in others)
    left = []
    for made in some:
        if known[_core(made)]:
            known[_core(made)] -= 1
        else:
            left.append(made)
    return left


def _core(made: DecisionMade) -> tuple[Any, ...]:
    return (made.strategy, made.instrument, made.action, made.side, made.qty, made.price, made.accepted)
