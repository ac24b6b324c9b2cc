"""The windows of a walk-forward: how long they are, and where they lie in a span."""

from typing import Literal

from msgspec import Struct

from tradectl.model.errors import ErrorCode, Problem

Kind = Literal["rolling", "anchored"]


class Window(Struct, frozen=True):
    """Searched over ``train_since <= open < train_until``, tested over ``test_since <= open < test_until``."""

    train_since: int
    train_until: int
    test_since: int
    test_until: int


class Walk(Struct, frozen=True, kw_only=True):
    """Lengths in nanoseconds. ``anchored``: every training begins at the first moment. ``embargo`` is left out between
    training and test, so that what was still open then cannot tell."""

    kind: Kind = "rolling"
    train: int
    test: int
    step: int = 0
    embargo: int = 0


def windows(walk: Walk, since: int, until: int) -> list[Window]:
    """The windows that fit between ``since`` and ``until`` whole. Raises ``Problem`` when none does."""
    step = walk.step or walk.test
    if min(walk.train, walk.test) <= 0 or step < walk.test or walk.embargo < 0:
        rule = "train and test are above 0, step is at least test (else tests overlap), embargo not below 0"
        raise _wrong("walk-forward", f"has lengths that cannot be walked: {rule}", "give other lengths")
    found = []
    at = since
    while at + walk.train + walk.embargo + walk.test <= until:
        test = at + walk.train + walk.embargo
        found.append(Window(since if walk.kind == "anchored" else at, at + walk.train, test, test + walk.test))
        at += step
    if not found:
        days = (walk.train + walk.embargo + walk.test) / 86_400e9
        rule = f"needs {days:g} days for one window, the span has {(until - since) / 86_400e9:g}"
        raise _wrong("walk-forward", rule, "shorten --train and --test, or widen the span")
    return found


def _wrong(field: str, rule: str, remedy: str) -> Problem:
    return Problem(ErrorCode.INVALID_REQUEST, f"{field} {rule}", field=field, reason=rule, remedy=remedy)
