"""Asks the venue again and again whether the position has its stops, beside whatever the test does."""

import threading
from decimal import Decimal

from tests.faults.still_venue import is_stop_loss, venue_orders, venue_position, words
from tests.sandbox.venue_client import VenueClient


class StopWatcher:
    """A thread that notes each moment at which stops close less than the position; use as a context manager.

    Orders are read before and after the position: what was there at either time counts.
    """

    def __init__(self, venue: VenueClient) -> None:
        self._venue = venue
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.looks = 0
        self.bare: list[str] = []

    def __enter__(self) -> "StopWatcher":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join(30)

    def _watch(self) -> None:
        while not self._end.wait(0.05):
            try:
                before, size, after = venue_orders(self._venue), venue_position(self._venue), venue_orders(self._venue)
            except OSError:
                continue  # the sandbox is being restarted with its daemon
            self.looks += 1
            side = "Sell" if size > 0 else "Buy"
            stops = {row["orderId"]: row for row in [*before, *after] if is_stop_loss(row) and row["side"] == side}
            covered = sum((Decimal(row["leavesQty"]) for row in stops.values()), Decimal(0))
            if size and covered < abs(size):
                self.bare.append(f"{size} with stops for {covered}: {[words(row) for row in stops.values()]}")
