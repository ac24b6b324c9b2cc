"""What every answer has in common: exact numbers, times as text, and the one form of an error."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Raw, Struct
from starlette.responses import Response

from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.money import plain

_ENCODER = msgspec.json.Encoder()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = 1_000_000_000
NULL = Raw(b"null")

#: The daemon's words for what REST calls otherwise.
FIELD_NAMES = {"size": "quantity", "qty": "quantity"}


class ErrorDetails(Struct, frozen=True):
    field: str | None
    reason: str | None


class ErrorBody(Struct, frozen=True):
    code: str
    message: str
    details: ErrorDetails


class ErrorAnswer(Struct, frozen=True):
    """The specification's error body, key for key."""

    error: ErrorBody


def number(value: Decimal | None) -> Raw:
    """``value`` as a plain JSON number written from its own digits; ``null`` when there is none."""
    return NULL if value is None else Raw(plain(value).encode())


def timestamp(ns: int | None) -> str | None:
    """Nanoseconds UTC as ISO 8601, to the last nanosecond: ``2025-04-19T10:00:00Z``; 0 and ``None`` are no time."""
    if not ns:
        return None
    seconds, rest = divmod(ns, _SECOND)
    text = (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{text}{fraction}Z"


def answer(body: Any, *, as_of_seq: int | None = None, status: int = 200) -> Response:
    """``body`` as JSON; ``as_of_seq`` is the journal sequence it reflects."""
    headers = {} if as_of_seq is None else {"X-As-Of-Seq": str(as_of_seq)}
    return Response(_ENCODER.encode(body), status, headers, "application/json")


def problem_answer(
    problem: Problem, *, status: int | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """The error body for ``problem``, with the status its code has unless ``status`` says otherwise."""
    details = ErrorDetails(FIELD_NAMES.get(problem.field, problem.field) or None, problem.reason or None)
    body = ErrorAnswer(ErrorBody(problem.code.value, str(problem), details))
    return Response(_ENCODER.encode(body), status or problem.meaning.status, headers, "application/json")


def too_many(wait: float, what: str) -> Response:
    """429 with the whole seconds to wait."""
    seconds = max(1, math.ceil(wait))
    problem = Problem(
        ErrorCode.TOO_MANY_REQUESTS,
        f"too many {what}",
        reason="rate limit",
        remedy=f"Try again in {seconds} s.",
    )
    return problem_answer(problem, headers={"Retry-After": str(seconds)})
