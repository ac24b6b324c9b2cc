"""The trading floor: the parts that every socket and route works with, put together once per venue."""

import time
from collections.abc import Callable

from tradectl.sandbox.config import SandboxConfig
from tradectl.sandbox.faults import Faults
from tradectl.sandbox.server.account_views import AccountViews
from tradectl.sandbox.server.delivery import Delivery
from tradectl.sandbox.server.key_ring import KeyRing
from tradectl.sandbox.server.late_answers import LateAnswers
from tradectl.sandbox.server.order_desk import OrderDesk
from tradectl.sandbox.server.private_stream import PrivateStream
from tradectl.sandbox.server.public_stream import PublicStream
from tradectl.sandbox.server.rate_limits import RateLimiter
from tradectl.sandbox.server.received_orders import ReceivedOrders
from tradectl.sandbox.venue import Venue


class Floor:
    """``wall`` is the transport's clock (nanoseconds); the venue has its own (decisions [2])."""

    def __init__(
        self,
        config: SandboxConfig,
        venue: Venue,
        faults: Faults,
        received: ReceivedOrders,
        delivery: Delivery,
        late: LateAnswers,
        *,
        wall: Callable[[], int] = time.time_ns,
    ) -> None:
        self.config = config
        self.venue = venue
        self.faults = faults
        self.received = received
        self.delivery = delivery
        self.late = late
        self.wall = wall
        self.keys = KeyRing(config.accounts)
        self.views = AccountViews(venue)
        self.limiter = RateLimiter(venue.now if config.stepped else wall, wall)
        self.private = PrivateStream(self.views, faults, venue.now)
        self.public = PublicStream(venue, delivery)
        self.desk = OrderDesk(venue, self.views, self.limiter, faults, received)
        self.started = wall()
        self._connections = 0

    def wall_ms(self) -> int:
        """Transport time in milliseconds: envelopes, pongs, authentication."""
        return self.wall() // 1_000_000

    def next_conn_id(self) -> str:
        self._connections += 1
        return f"{self.venue.instance[:8]}-{self._connections:x}"
