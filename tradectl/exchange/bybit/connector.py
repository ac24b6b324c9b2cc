"""The Bybit connector: streams, order entry and reads behind the protocol of a venue."""

import random as _random
import time
from collections.abc import Callable

from tradectl.exchange.bybit.config import BybitConfig, Credentials
from tradectl.exchange.exchange_connector import Sink, Stamp

Wall = Callable[[], int]


class BybitConnector:
    """A Bybit v5 account (or, without credentials, its public market data alone).

    ``sink`` receives every event on the loop; ``stamp`` gives ``received``; ``wall`` is the transport clock in
    nanoseconds (signing, timeouts of requests), ``random`` the jitter of reconnects in [0, 1), and ``on_idle`` is
    called after each handled inbound frame or REST answer.
    """

    def __init__(
        self,
        config: BybitConfig,
        credentials: Credentials | None,
        sink: Sink,
        stamp: Stamp,
        *,
        wall: Wall = time.time_ns,
        random: Callable[[], float] = _random.random,
        on_idle: Callable[[], None] | None = None,
    ) -> None:
        self._config = config
        self._credentials = credentials
        self._sink = sink
        self._stamp = stamp
        self._wall = wall
        self._random = random
        self._on_idle = on_idle
