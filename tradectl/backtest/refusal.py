"""What cannot be done as asked, in one form."""

from typing import Any

from tradectl.model.errors import ErrorCode, Problem


def wrong(field: str, value: str, rule: str, remedy: str, **data: Any) -> Problem:
    """The problem of a field whose value breaks a rule."""
    return Problem(
        ErrorCode.INVALID_REQUEST, f"{field} {value} {rule}", field=field, reason=rule, remedy=remedy, data=data
    )
