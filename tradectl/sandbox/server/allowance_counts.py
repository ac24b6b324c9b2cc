"""What the rate limits did so far: refusals ever answered, and how much of each allowance was used in which second."""

from collections import deque
from typing import Any

SECOND = 1_000_000_000
#: Seconds remembered in detail; totals are kept for ever.
REMEMBERED = 20_000


class AllowanceCounts:
    """``refused`` counts units answered 10006, each order of a batch as one; ``forbidden`` counts HTTP 403.

    A bucket is ``endpoint:product``, such as ``order/create-batch:futures``.
    """

    def __init__(self) -> None:
        self.refused: dict[str, int] = {}
        self.forbidden = 0
        self._seconds: dict[str, dict[str, deque[list[int]]]] = {}

    def admit(self, uid: str, bucket: str, units: int, now: int) -> None:
        """``units`` of an account's bucket were admitted at ``now`` (nanoseconds)."""
        # A deque per bucket: on a stepped venue orders and reads run on different clocks.
        seconds = self._seconds.setdefault(uid, {}).setdefault(bucket, deque(maxlen=REMEMBERED))
        at = now // SECOND
        if not seconds or seconds[-1][0] != at:
            seconds.append([at, 0])
        seconds[-1][1] += units

    def refuse(self, bucket: str, units: int = 1) -> None:
        """``units`` of a bucket were answered 10006."""
        self.refused[bucket] = self.refused.get(bucket, 0) + units

    def totals(self) -> dict[str, int]:
        """The refusals ever answered: ``10006`` and ``403``."""
        return {"10006": sum(self.refused.values()), "403": self.forbidden}

    def describe(self) -> dict[str, Any]:
        """Everything: refusals in all and by bucket, and for each account and bucket ``[second, admitted]``, oldest
        first; seconds in which nothing was admitted are absent."""
        return {
            "refusals": self.totals(),
            "refused": dict(self.refused),
            "admitted": {
                uid: {bucket: list(seconds) for bucket, seconds in buckets.items()}
                for uid, buckets in self._seconds.items()
            },
        }

    def clear(self) -> None:
        """Begin anew, as a sandbox that was reset."""
        self.refused.clear()
        self._seconds.clear()
        self.forbidden = 0
