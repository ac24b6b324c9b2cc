"""The in-memory twin of a connector: keeps the protocol, records commands, and lets a test feed the events."""

from collections.abc import Callable, Mapping, Sequence

from tradectl.exchange.exchange_connector import Sink, VenueCommand
from tradectl.model.events import Event

Responder = Callable[[VenueCommand], list[Event]]


class MemoryConnector:
    """A venue without a network. ``responder`` may answer each command with events, delivered at once after it.

    ``commands`` holds everything executed, in order, and ``steps`` the same as it came together. :meth:`feed` delivers
    any event as if the venue had sent it.
    """

    def __init__(self, sink: Sink, responder: Responder | None = None) -> None:
        self._sink = sink
        self._responder = responder
        self._held: list[Event] = []
        self._delivering = False
        self.commands: list[VenueCommand] = []
        self.steps: list[tuple[VenueCommand, ...]] = []
        self.opened = False
        self.closed = False

    async def open(self) -> None:
        """Note that it was opened; a test feeds what a venue would report."""
        self.opened = True

    async def close(self) -> None:
        """Note that it was closed."""
        self.closed = True

    def execute(self, command: VenueCommand) -> None:
        """Record ``command`` and deliver what the responder answers."""
        self.execute_all((command,))

    def execute_all(self, commands: Sequence[VenueCommand]) -> None:
        """Record a step and deliver what the responder answers to each of its commands."""
        self.steps.append(tuple(commands))
        for command in commands:
            self.commands.append(command)
            if self._responder is not None:
                for event in self._responder(command):
                    self.feed(event)

    def feed(self, event: Event) -> None:
        """Deliver ``event``; one fed while another is being delivered waits for its turn, as on a real loop."""
        self._held.append(event)
        if self._delivering:
            return
        self._delivering = True
        try:
            while self._held:
                self._sink(self._held.pop(0))
        finally:
            self._delivering = False

    @property
    def outstanding(self) -> int:
        """Events waiting for their turn."""
        return len(self._held)

    @property
    def frames_received(self) -> Mapping[int, int]:
        """No sockets, no frames."""
        return {}
