"""Rolling one-second windows per account and endpoint group, exactly as the tables of bybit-v5 3.1 (VIP 0)."""

from collections import deque
from collections.abc import Callable

from msgspec import Struct

from tradectl.sandbox.server.allowance_counts import AllowanceCounts

SECOND = 1_000_000_000
#: The reset stamp of a refusal lies at least this far ahead, or clients that sleep until it fail (bybit-v5 A.4 6).
MIN_RESET_AHEAD = 50_000_000


class Allowance(Struct, frozen=True):
    """Requests per second of one endpoint for (inverse and linear), option and spot; 0 where it is not offered."""

    futures: int
    option: int
    spot: int


def _flat(limit: int) -> Allowance:
    return Allowance(limit, limit, limit)


ALLOWANCES: dict[str, Allowance] = {
    "order/create": Allowance(10, 10, 20),
    "order/amend": Allowance(10, 10, 10),
    "order/cancel": Allowance(10, 10, 20),
    "order/cancel-all": Allowance(10, 1, 20),
    "order/create-batch": Allowance(10, 10, 20),
    "order/amend-batch": Allowance(10, 10, 20),
    "order/cancel-batch": Allowance(10, 10, 20),
    "order/pre-check": Allowance(10, 10, 20),
    "order/realtime": _flat(50),
    "order/history": _flat(50),
    "execution/list": _flat(50),
    "position/list": _flat(50),
    "position/closed-pnl": _flat(50),
    "position/set-leverage": _flat(10),
    "position/trading-stop": _flat(10),
    "position/switch-mode": _flat(10),
    "account/wallet-balance": _flat(50),
    "account/info": _flat(50),
    "account/transaction-log": _flat(25),
    "account/instruments-info": _flat(10),
    "account/fee-rate": _flat(5),
    "account/set-margin-mode": _flat(5),
    "user/query-api": _flat(10),
    "asset/coin/query-info": _flat(5),
}
_ORDER_REQUESTS = frozenset(
    f"order/{verb}"
    for verb in ("create", "amend", "cancel", "cancel-all", "create-batch", "amend-batch", "cancel-batch")
)
_PRODUCTS = {"linear": "futures", "inverse": "futures", "option": "option", "spot": "spot"}


class Budget(Struct, frozen=True):
    """What is left of a window after a request: ``granted`` of the units asked for; ``reset_ms`` when it refills."""

    limit: int
    left: int
    reset_ms: int
    granted: int

    def headers(self) -> dict[str, str]:
        return {
            "X-Bapi-Limit": str(self.limit),
            "X-Bapi-Limit-Status": str(self.left),
            "X-Bapi-Limit-Reset-Timestamp": str(self.reset_ms),
        }


class RateLimiter:
    """The windows of every account. ``clock`` gives nanoseconds: the wall's, or the venue's when stepped; ``counts``
    says what was admitted and refused.

    Only order requests run on a stepped clock: it may stand still for as long as a client reads, and reads change
    nothing, so their windows run on ``reads`` (the transport's clock).
    """

    def __init__(self, clock: Callable[[], int], reads: Callable[[], int] | None = None) -> None:
        self._clock = clock
        self._reads = reads or clock
        self._windows: dict[tuple[str, str, str], deque[int]] = {}
        self.counts = AllowanceCounts()

    def take(self, uid: str, endpoint: str, category: str = "linear", units: int = 1) -> Budget:
        """Spend up to ``units`` of the account's window for ``endpoint`` and say how many were granted."""
        product = _PRODUCTS.get(category, "futures")
        limit: int = getattr(ALLOWANCES[endpoint], product)
        now = self._now(endpoint)
        window = self._windows.setdefault((uid, endpoint, product), deque())
        while window and window[0] <= now - SECOND:
            window.popleft()
        granted = min(units, limit - len(window))
        window.extend([now] * granted)
        self._count(uid, f"{endpoint}:{product}", granted, units, now)
        reset = now if granted == units else max(window[0] + SECOND, now + MIN_RESET_AHEAD)
        # Rounded up to the next millisecond: at the stamp itself the window has refilled.
        return Budget(limit, limit - len(window), -(-reset // 1_000_000), granted)

    def _count(self, uid: str, bucket: str, granted: int, units: int, now: int) -> None:
        if granted:
            self.counts.admit(uid, bucket, granted, now)
        if granted < units:
            self.counts.refuse(bucket, units - granted)

    def _now(self, endpoint: str) -> int:
        return self._clock() if endpoint in _ORDER_REQUESTS else self._reads()

    def clear(self) -> None:
        """Forget every window and count: the clock was set back."""
        self._windows.clear()
        self.counts.clear()

    def exhausted(self, endpoint: str, category: str = "linear") -> Budget:
        """What a refusal of ``endpoint`` says now, for a fault that pretends one; it is counted like a real one."""
        self.counts.refuse(f"{endpoint}:fault")
        limit: int = getattr(ALLOWANCES[endpoint], _PRODUCTS.get(category, "futures"))
        return Budget(limit, 0, -(-(self._now(endpoint) + MIN_RESET_AHEAD) // 1_000_000), 0)


class AddressLimiter:
    """Bybit's limit per peer address: so many HTTP requests in five seconds, then 403 for a while (bybit-v5 3.1)."""

    SPAN = 5 * SECOND

    def __init__(self, limit: int, ban_seconds: float, clock: Callable[[], int]) -> None:
        self._limit = limit
        self._ban = int(ban_seconds * SECOND)
        self._clock = clock
        self._seen: dict[str, deque[int]] = {}
        self._banned: dict[str, int] = {}

    def allows(self, address: str) -> bool:
        """Count one request of ``address``; always true when the limit is 0."""
        if not self._limit:
            return True
        now = self._clock()
        if self._banned.get(address, 0) > now:
            return False
        seen = self._seen.setdefault(address, deque())
        while seen and seen[0] <= now - self.SPAN:
            seen.popleft()
        seen.append(now)
        if len(seen) <= self._limit:
            return True
        self._banned[address] = now + self._ban
        return False
