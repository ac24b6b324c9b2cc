"""Puts the REST side together: one pool for reads, one for orders, one budget for both."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from tradectl.exchange.bybit.clock import VenueClock
from tradectl.exchange.bybit.config import BybitConfig
from tradectl.exchange.bybit.endpoints import endpoints_of, proxy_for
from tradectl.exchange.bybit.rest import Rest, read_limiter
from tradectl.exchange.bybit.signing import Signer
from tradectl.exchange.retry_handler import RetryPolicy

if TYPE_CHECKING:
    from tradectl.exchange.bybit.http_session import SessionPlan

#: Threads that send orders where an environment has no trade socket; none is started before the first order.
ORDER_THREADS = 4


def make_rest(
    config: BybitConfig, signer: Signer | None, clock: VenueClock, random: Callable[[], float]
) -> tuple[Rest, Rest]:
    """The pool of reads and the pool of orders. Raises ``Problem`` when there is no such host."""
    endpoint = endpoints_of(config).rest

    def plan() -> "SessionPlan":
        # Runs in a worker thread: this import is the slow one.
        from tradectl.exchange.bybit.http_session import SessionPlan

        return SessionPlan(
            endpoint=endpoint,
            signer=signer,
            now_ms=clock.now_ms,
            recv_window=config.recv_window,
            timeout=config.rest_timeout,
            proxy=proxy_for(config, endpoint),
            ca_file=config.ca_file,
        )

    policy = RetryPolicy(config.read_attempts, random)
    limiter = read_limiter()
    return Rest(plan, config.rest_pool, policy, limiter), Rest(plan, ORDER_THREADS, policy, limiter)
