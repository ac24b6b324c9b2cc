"""When each order was last put on the wire: an order that is nowhere may be called lost only some time after that."""

from collections import OrderedDict

#: Link ids whose time of sending is remembered; older ones were sent before the process' recent past anyway.
REMEMBERED = 20_000


class SentLog:
    """When each link id was last put on the wire, in milliseconds of the venue's clock."""

    def __init__(self) -> None:
        self._started_ms = 0
        self._sent: OrderedDict[str, int] = OrderedDict()

    def start(self, now_ms: int) -> None:
        """From now on this process sends; what it does not remember was sent before."""
        self._started_ms = now_ms

    def note(self, link_id: str, timestamp_ms: int) -> None:
        """``link_id`` leaves now."""
        self._sent[link_id] = timestamp_ms
        self._sent.move_to_end(link_id)
        if len(self._sent) > REMEMBERED:
            self._sent.popitem(last=False)

    def last(self, link_id: str) -> int:
        """An order of an earlier process was sent before this one started, which is the safe later bound."""
        return self._sent.get(link_id, self._started_ms)
