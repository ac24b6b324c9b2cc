"""Plain values of the research rooms as the screen prints them: every number from its own digits, NaN as null."""

import math
from decimal import Decimal
from typing import Any

from tradectl.cli.text import Number


def printable(value: Any) -> Any:
    """Dicts and lists with each Decimal and float turned into the text of its digits."""
    if isinstance(value, dict):
        return {str(key): printable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [printable(item) for item in value]
    if isinstance(value, Decimal):
        return Number(format(value, "f"))
    if isinstance(value, float):
        return Number(repr(value)) if math.isfinite(value) else None
    return value
