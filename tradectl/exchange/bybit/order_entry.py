"""A way to the venue for orders: one send per request, one answer per order of it. Nothing here waits for a budget,
repeats or decides."""

from typing import Protocol

from tradectl.exchange.bybit.order_requests import Request


class OrderEntry(Protocol):
    """Sends requests; what came of them arrives as events."""

    def send(self, request: Request) -> None:
        """Send once, now; the answer arrives as an event later, also when it could not be sent."""

    def abandon(self, reason: str) -> None:
        """Answer everything in flight as unknown."""

    @property
    def outstanding(self) -> int:
        """Requests without an answer."""
