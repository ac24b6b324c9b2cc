"""Identifiers the venue echoes back: ``orderLinkId`` = ``t<run:8>-<instance:3>-<seq:10>`` in base32.

The run id is drawn once and journalled, the sequence only grows, so no id is ever used twice.
"""

from functools import lru_cache

from msgspec import Struct

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUES = {c: i for i, c in enumerate(ALPHABET)}
_PAIRS = [a + b for a in ALPHABET for b in ALPHABET]
RUN_CHARS, INSTANCE_CHARS, SEQ_CHARS = 8, 3, 10
#: Orders placed by a person belong to this instance number; strategies start at 1.
OPERATOR = 0


class LinkId(Struct, frozen=True):
    """The parts of an ``orderLinkId`` of ours."""

    run: str
    instance: int
    seq: int


def to_base32(number: int, width: int) -> str:
    """``number`` (>= 0) in Crockford base32, zero-padded. Raises ``OverflowError`` when it does not fit."""
    if number < 0 or number >> 5 * width:
        raise OverflowError(f"{number} does not fit {width} base32 characters")
    text = ""
    while number:
        text = _PAIRS[number & 1023] + text
        number >>= 10
    return text.rjust(width, "0")[-width:]


def from_base32(text: str) -> int:
    """The number written by :func:`to_base32`. Raises ``KeyError`` on a foreign character."""
    number = 0
    for char in text:
        number = number * 32 + _VALUES[char]
    return number


def run_id(random_bits: int) -> str:
    """A run id from 40 random bits drawn by the caller."""
    return to_base32(random_bits & (32**RUN_CHARS - 1), RUN_CHARS)


def order_link_id(run: str, instance: int, seq: int) -> str:
    """The id of the ``seq``-th order of a run, placed for ``instance``; 24 characters."""
    return link_prefix(run, instance) + to_base32(seq, SEQ_CHARS)


@lru_cache(maxsize=256)
def link_prefix(run: str, instance: int) -> str:
    """What all ids of an instance in a run begin with."""
    return f"t{run}-{to_base32(instance, INSTANCE_CHARS)}-"


def parse_link_id(text: str) -> LinkId | None:
    """The parts of ``text`` when it is an id of ours, else ``None`` (somebody else's order)."""
    parts = text.split("-")
    if [len(p) for p in parts] != [1 + RUN_CHARS, INSTANCE_CHARS, SEQ_CHARS] or text[0] != "t":
        return None
    try:
        from_base32(parts[0][1:])
        return LinkId(parts[0][1:], from_base32(parts[1]), from_base32(parts[2]))
    except KeyError:
        return None
