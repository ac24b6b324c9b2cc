"""Token buckets: how many requests a second, and how many at once."""

from collections import OrderedDict

#: Addresses remembered at a time; the one seen longest ago is forgotten first.
MAX_ADDRESSES = 1024


class TokenBucket:
    """Lets ``rate`` requests a second through, and ``burst`` at once. Time is seconds of any steady clock."""

    __slots__ = ("_at", "_burst", "_rate", "_tokens")

    def __init__(self, rate: float, burst: int, now: float) -> None:
        self._rate, self._burst = rate, float(burst)
        self._tokens, self._at = self._burst, now

    def take(self, now: float) -> float:
        """Take one: 0 when it may pass, else the seconds to wait until one may."""
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / self._rate


class AddressBuckets:
    """A bucket for each client address, for as many addresses as fit."""

    def __init__(self, rate: float, burst: int, limit: int = MAX_ADDRESSES) -> None:
        self._rate, self._burst, self._limit = rate, burst, limit
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def take(self, address: str, now: float) -> float:
        """As :meth:`TokenBucket.take`, for ``address``."""
        bucket = self._buckets.get(address)
        if bucket is None:
            bucket = self._buckets[address] = TokenBucket(self._rate, self._burst, now)
            if len(self._buckets) > self._limit:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(address)
        return bucket.take(now)
