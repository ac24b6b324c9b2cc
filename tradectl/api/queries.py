"""Query parameters, read strictly: an unknown or malformed one is refused, never ignored."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.requests import Request

from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.instruments import Category

DEFAULT_LIMIT, MAX_LIMIT, MAX_TEXT = 100, 1000, 200
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ORDER_STATUSES = ("open", "all")


def refuse(field: str, value: str, reason: str) -> Problem:
    """An ``INVALID_REQUEST`` for one query parameter."""
    shown = value if len(value) <= 48 else f"{value[:45]}..."
    return Problem(
        ErrorCode.INVALID_REQUEST,
        f"Invalid query: {field} is {shown!r}",
        field=field,
        reason=reason,
        remedy=f"{reason}.",
    )


def _text(field: str, value: str) -> str:
    if not value or len(value) > MAX_TEXT or not value.isprintable():
        raise refuse(field, value, f"Must be 1 to {MAX_TEXT} printable characters")
    return value


def _category(field: str, value: str) -> Category:
    try:
        return Category(value.lower())
    except ValueError:
        raise refuse(field, value, f"Must be one of {', '.join(Category)}") from None


def _limit(field: str, value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) <= 4 and 1 <= int(value) <= MAX_LIMIT):
        raise refuse(field, value, f"Must be a whole number from 1 to {MAX_LIMIT}")
    return int(value)


def _time(field: str, value: str) -> int:
    """ISO 8601 with a zone, as nanoseconds UTC."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise refuse(field, value, "Must be ISO 8601 such as 2025-04-19T10:00:00Z") from None
    if moment.tzinfo is None:
        raise refuse(field, value, "Must name its time zone, such as 2025-04-19T10:00:00Z")
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def _order_status(field: str, value: str) -> str:
    if value not in ORDER_STATUSES:
        raise refuse(field, value, f"Must be one of {', '.join(ORDER_STATUSES)}")
    return value


READERS: dict[str, Callable[[str, str], Any]] = {
    "symbol": _text,
    "strategy": _text,
    "cursor": _text,
    "category": _category,
    "limit": _limit,
    "since": _time,
    "until": _time,
    "status": _order_status,
}


def read_query(request: Request, known: Iterable[str]) -> dict[str, Any]:
    """The given parameters by name. Raises ``Problem(INVALID_REQUEST)`` naming the first bad one."""
    allowed = tuple(known)
    values: dict[str, Any] = {}
    for name, value in request.query_params.multi_items():
        if name not in allowed:
            rule = f"Unknown parameter; known are {', '.join(allowed)}" if allowed else "This takes no parameters"
            raise refuse(name[:64], value, rule)
        if name in values:
            raise refuse(name, value, "Is given twice")
        values[name] = READERS[name](name, value)
    return values
