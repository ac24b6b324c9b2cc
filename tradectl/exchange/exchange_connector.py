"""The protocol of a venue: what the daemon may ask of it and how its answers come back as events."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from tradectl.model.commands import (
    CancelOrder,
    LookUpOrder,
    Reconcile,
    RequestBars,
    RequestTickers,
    RiskApproved,
    Subscribe,
    Unsubscribe,
)
from tradectl.model.events import Event

VenueCommand = (
    RiskApproved | CancelOrder | LookUpOrder | Reconcile | Subscribe | Unsubscribe | RequestBars | RequestTickers
)
#: Where decoded events go: called on the event loop, from the frame callback itself, never from a thread.
Sink = Callable[[Event], None]
#: Stamps ``received``: given the source's time in nanoseconds (0 when it has none) it returns our time.
Stamp = Callable[[int], int]


class ExchangeConnector(Protocol):
    """A venue. It decodes, checks and reports; it never delays, repeats or decides about an order mutation."""

    async def open(self) -> None:
        """Check key, clock and account, load instruments and fees (``InstrumentsLoaded``, ``AccountChecked``),
        connect the private and trade streams. Raises ``Problem`` when trading is impossible as configured."""

    async def close(self) -> None:
        """Close every socket and thread; what was in flight is answered with reaction reconcile."""

    def execute(self, command: VenueCommand) -> None:
        """Carry out one command now: order bytes are handed to the socket before this returns.

        Answers arrive later at the sink: ``OrderAnswered`` for orders, ``StopAnswered`` for a position's stops, and the
        event each other command names.
        """

    def execute_all(self, commands: Sequence[VenueCommand]) -> None:
        """Carry out the commands of one step now, orders before what is only asked.

        Neighbours among the orders with the same ``batch`` other than 0 go out in as few requests as the venue allows
        (one for each action and category up to its limit); each is answered by an event of its own.
        """

    @property
    def outstanding(self) -> int:
        """Requests sent and not yet answered; the stepped sandbox waits for 0."""

    @property
    def frames_received(self) -> Mapping[int, int]:
        """Frames received so far on each open socket, by its local port."""
