"""How often each order was sent to us: raw create requests per ``orderLinkId``, before any check [27]."""

import os
from collections import Counter
from pathlib import Path


class ReceivedOrders:
    """Counts create requests; with a directory the count survives the death of the process."""

    def __init__(self, state: str = "") -> None:
        self.counts: Counter[str] = Counter()
        self._descriptor = -1
        if state:
            self._path = Path(state) / "received-orders.log"
            if self._path.exists():
                self.counts.update(self._path.read_text("utf-8").split())
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def count(self, link_id: object) -> None:
        """One create request with this id arrived; requests without one cannot be told apart and are not counted."""
        if not isinstance(link_id, str) or not link_id or len(link_id) > 64 or not link_id.isprintable():
            return
        name = link_id.replace(" ", "_")
        self.counts[name] += 1
        if self._descriptor >= 0:
            os.write(self._descriptor, f"{name}\n".encode())

    def clear(self) -> None:
        self.counts.clear()
        if self._descriptor >= 0:
            os.ftruncate(self._descriptor, 0)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
