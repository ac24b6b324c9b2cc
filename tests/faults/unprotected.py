"""From the venue's own records: how long the account's position was without any stop, on the venue's clock."""

from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any

from tests.faults.still_venue import SYMBOL, venue_orders
from tests.sandbox.venue_client import VenueClient

#: What the venue calls conditional orders and its own stops.
STOP_KINDS = ("Stop", "StopLoss", "PartialStopLoss", "TrailingStop")
FOREVER = 1 << 62
#: The venue forgets orders that ended without a fill after a day (bybit-v5 5.6): what is older cannot be judged.
REMEMBERED_MS = 86_400_000


@dataclass(frozen=True)
class Gaps:
    """``longest`` stretch without a stop (milliseconds) and when it began; how many stops fired."""

    longest: int
    since: int
    fired: int


@dataclass(frozen=True)
class Stop:
    """A stop's life in milliseconds of the venue's clock."""

    side: str
    born: int
    died: int


def longest_gaps(venue: VenueClient, start: int, end: int) -> Gaps:
    """Over a run, recovered daemons included: its last day when it is longer."""
    ended = venue.rows("/v5/order/history", start, end, 50, category="linear", symbol=SYMBOL)
    rows = [row for row in [*ended, *venue_orders(venue)] if row["stopOrderType"] in STOP_KINDS]
    stops = [_life(row) for row in rows]
    fired = sum(row["stopOrderType"] != "" and row["orderStatus"] == "Filled" for row in rows)
    fills = venue.rows("/v5/execution/list", start, end, 100, category="linear", symbol=SYMBOL)
    longest, since = 0, 0
    for (at, size), (until, _) in pairwise([*_sizes(fills), (end, Decimal(0))]):
        if at < end - REMEMBERED_MS:
            continue
        gap = _uncovered(stops, "Sell" if size > 0 else "Buy", at, until) if size else 0
        if gap > longest:
            longest, since = gap, at
    return Gaps(longest, since, fired)


def _life(row: dict[str, Any]) -> Stop:
    is_open = row["orderStatus"] in ("Untriggered", "Triggered", "New", "PartiallyFilled")
    return Stop(row["side"], int(row["createdTime"]), FOREVER if is_open else int(row["updatedTime"]))


def _sizes(fills: list[dict[str, Any]]) -> list[tuple[int, Decimal]]:
    """The position after each moment at which something filled."""
    size, found = Decimal(0), dict[int, Decimal]()
    for row in sorted(fills, key=lambda r: (int(r["execTime"]), int(r["seq"]))):
        if row["execType"] == "Trade":
            size += Decimal(row["execQty"]) * (1 if row["side"] == "Buy" else -1)
            found[int(row["execTime"])] = size
    return list(found.items())


def _uncovered(stops: list[Stop], side: str, begin: int, end: int) -> int:
    """The longest stretch from ``begin`` to ``end`` without a stop on this side."""
    longest, covered = 0, begin
    for stop in sorted((s for s in stops if s.side == side and s.died > begin and s.born < end), key=lambda s: s.born):
        longest = max(longest, stop.born - covered)
        covered = max(covered, stop.died)
    return max(longest, end - covered)
