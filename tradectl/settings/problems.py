"""What is wrong with a setting, in words: where it stands, its value, the rule, the nearest name that exists."""

import difflib
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from tradectl.model.errors import ErrorCode, Problem


def broken(origin: str, key: str, value: Any, rule: str) -> Problem:
    """The problem of one value: ``origin`` is the file or variable it stands in."""
    shown = str(value) if isinstance(value, Decimal) else repr(value)
    return Problem(
        ErrorCode.INVALID_SETTING,
        f"{origin}: {key} = {shown} {rule}",
        field=key,
        reason=rule,
        remedy=f"Correct {key} in {origin}.",
    )


def unknown(origin: str, key: str, known: Iterable[str]) -> Problem:
    """The problem of a name nobody knows, with the nearest one that exists."""
    near = difflib.get_close_matches(key, list(known), 1, 0.6)
    return Problem(
        ErrorCode.INVALID_SETTING,
        f"{origin}: there is no setting {key}" + (f"; did you mean {near[0]}" if near else ""),
        field=key,
        reason="unknown setting",
        remedy="`tradectl config show` lists every setting.",
    )
