"""How somebody trades: by hour, by holding time, on busy days and after a loss. Days and hours are UTC."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from tradectl.model.money import ZERO
from tradectl.performance.round_trips import RoundTrip

Row = dict[str, Any]
SECOND, HOUR, DAY = 10**9, 3600 * 10**9, 86_400 * 10**9
#: Upper ends of the holding times that are told apart.
HOLDING = (
    ("under a minute", 60 * SECOND), ("1 to 15 minutes", 900 * SECOND), ("15 minutes to 1 hour", HOUR),
    ("1 to 4 hours", 4 * HOUR), ("4 to 24 hours", DAY), ("longer than a day", 0),
)  # fmt: skip
#: A trade begun so soon after a losing one ended counts as begun after a loss.
SOON = 600 * SECOND


def group(trips: Sequence[RoundTrip]) -> Row:
    """Trades, how many won, and what they brought after all costs."""
    return {
        "trades": len(trips), "won": sum(it.pnl > 0 for it in trips),
        "win_rate": sum(it.pnl > 0 for it in trips) / len(trips) if trips else None,
        "pnl": sum((it.pnl for it in trips), ZERO), "fees": sum((it.fees for it in trips), ZERO),
    }  # fmt: skip


def by_hour(trips: Sequence[RoundTrip]) -> list[Row]:
    """By the hour of entry, hours without trades left out."""
    return _grouped(trips, lambda it: it.began // HOUR % 24, "hour")


def by_holding(trips: Sequence[RoundTrip]) -> list[Row]:
    """By how long they were held, all lengths, shortest first."""
    found: dict[str, list[RoundTrip]] = {name: [] for name, _ in HOLDING}
    for it in trips:
        found[next(name for name, end in HOLDING if not end or it.ended - it.began < end)].append(it)
    return [{"held": name, **group(own)} for name, own in found.items()]


def after_loss(trips: Sequence[RoundTrip]) -> Row:
    """Trades begun within ten minutes of the end of a losing one, beside all others."""
    ends = sorted(it.ended for it in trips if it.pnl < 0)
    soon: list[RoundTrip] = []
    other: list[RoundTrip] = []
    position = 0
    for it in sorted(trips, key=lambda it: it.began):
        while position < len(ends) and ends[position] <= it.began:
            position += 1
        close = position > 0 and it.began - ends[position - 1] <= SOON
        (soon if close else other).append(it)
    return {"after_loss": group(soon), "other": group(other)}


def days(trips: Sequence[RoundTrip]) -> Row:
    """Trades a day, and the days with more than twice the usual number beside the others."""
    by_day = {row["day"]: row for row in _grouped(trips, lambda it: it.began // DAY, "day")}
    counts = sorted(row["trades"] for row in by_day.values())
    usual = counts[len(counts) // 2] if counts else 0
    busy = {day for day, row in by_day.items() if row["trades"] > 2 * usual}
    return {
        "active": len(by_day), "usual": usual, "most": counts[-1] if counts else 0, "busy_days": len(busy),
        "busy": group([it for it in trips if it.began // DAY in busy]),
        "calm": group([it for it in trips if it.began // DAY not in busy]),
    }  # fmt: skip


def fee_share(gross: Decimal, fees: Decimal) -> float | None:
    """Fees over what the trades made before them; ``None`` where they made nothing."""
    return float(fees / gross) if gross > 0 else None


def _grouped(trips: Sequence[RoundTrip], key_of: Callable[[RoundTrip], int], name: str) -> list[Row]:
    found: dict[int, list[RoundTrip]] = {}
    for it in trips:
        found.setdefault(key_of(it), []).append(it)
    return [{name: key, **group(found[key])} for key in sorted(found)]
