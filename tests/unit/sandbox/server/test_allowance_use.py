"""On the venue's stepped clock a client that counts like the venue is never refused and uses all it may."""

from collections import deque

from tests.unit.sandbox.server.conftest import ORDER, D, ScriptedVenue
from tradectl.model.money import use_exact_context
from tradectl.sandbox.faults import Faults
from tradectl.sandbox.server.account_views import AccountViews
from tradectl.sandbox.server.order_desk import OrderDesk
from tradectl.sandbox.server.rate_limits import RateLimiter
from tradectl.sandbox.server.received_orders import ReceivedOrders

UID, SECOND, SECONDS, STEP = "7", 1_000_000_000, 60, 50_000_000
LEG = {name: value for name, value in ORDER.items() if name != "category"} | {"price": "90"}


class Window:
    """The client's own count of what it spent in the last second, at ten a second."""

    def __init__(self, venue: ScriptedVenue) -> None:
        self._venue = venue
        self._spent: deque[int] = deque()

    def free(self) -> int:
        while self._spent and self._spent[0] <= self._venue.time - SECOND:
            self._spent.popleft()
        return 10 - len(self._spent)

    def spend(self, units: int) -> None:
        self._spent.extend([self._venue.time] * units)


def test_the_whole_allowance_can_be_used() -> None:
    use_exact_context()
    venue = ScriptedVenue(None)
    venue.open_account(UID, {"USDT": D(10_000_000)})
    limiter = RateLimiter(venue.now)
    desk = OrderDesk(venue, AccountViews(venue), limiter, Faults(), ReceivedOrders())
    creates, cancels = Window(venue), Window(venue)
    start = venue.time
    while venue.time < start + SECONDS * SECOND:
        if free := creates.free():
            legs = [LEG] * min(free, 4)
            left = _spend(desk, "order.create-batch", {"category": "linear", "request": legs})
            creates.spend(len(legs))
            assert left == creates.free()
        if cancels.free() and (resting := venue.exchange.open_orders(UID)):
            body = {"category": "linear", "symbol": "BTCUSDT", "orderId": resting[0].order_id}
            assert _spend(desk, "order.cancel", body) == cancels.free() - 1
            cancels.spend(1)
        venue.time += STEP
    told = limiter.counts.describe()
    assert told["refusals"] == {"10006": 0, "403": 0}
    for bucket in ("order/create-batch:futures", "order/cancel:futures"):
        used = told["admitted"][UID][bucket]
        assert len(used) == SECONDS
        assert sum(units for _, units in used) >= 0.95 * 10 * SECONDS


def _spend(desk: OrderDesk, op: str, body: dict[str, object]) -> int:
    outcome = desk.handle("trade", UID, op, body)
    assert outcome.code == 0, outcome
    return int(outcome.headers["X-Bapi-Limit-Status"])
