"""Points in time as people write them: ``2h``, ``7d``, ``2026-11-22``, ``2026-11-22T13:00``."""

import time
from datetime import UTC, datetime

from tradectl.cli.words import UsageError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def moment(text: str, now: int | None = None) -> int:
    """Nanoseconds UTC: an age before ``now`` (``90m``), or a date or time, UTC unless it says otherwise.

    Raises ``UsageError``.
    """
    now = time.time_ns() if now is None else now
    if text and text[-1] in _UNITS and text[:-1].isdecimal():
        return now - int(text[:-1]) * _UNITS[text[-1]] * 1_000_000_000
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no time: write an age such as 2h or 7d, or 2026-11-22T13:00") from None
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    return int(found.timestamp()) * 1_000_000_000 + found.microsecond * 1000
