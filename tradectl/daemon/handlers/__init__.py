"""The daemon's RPC methods: each translates a request into an event or reads the views."""

from tradectl.daemon.handlers import (
    allocation,
    control,
    explanations,
    markets,
    orders,
    portfolio,
    risk,
    status,
    strategies,
    universe,
)
from tradectl.daemon.service import Service
from tradectl.rpc.server import Handler

__all__ = ["all_handlers"]


def all_handlers(service: Service) -> dict[str, Handler]:
    """Every method of the daemon by name."""
    found: dict[str, Handler] = {}
    for room in (status, control, orders, portfolio, allocation, risk, strategies, markets, explanations, universe):
        for method, call in room.handlers(service):
            found[method.name] = Handler.of(method, call)
    return found
