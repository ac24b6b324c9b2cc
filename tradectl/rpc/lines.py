"""Cutting a byte stream into messages."""

from tradectl.model.errors import ErrorCode, Problem


class LineBuffer:
    """Cuts a byte stream at newlines, never holding more than one over-long line."""

    __slots__ = ("_data", "_limit", "_scanned")

    def __init__(self, limit: int) -> None:
        self._data = bytearray()
        self._limit = limit
        self._scanned = 0

    def feed(self, data: bytes) -> None:
        self._data += data

    @property
    def pending(self) -> bool:
        return bool(self._data)

    def next_line(self) -> bytes | None:
        """The next whole line, ``None`` when there is none yet. Raises ``Problem(TOO_LARGE)``."""
        end = self._data.find(b"\n", self._scanned)
        if end > self._limit or (end < 0 and len(self._data) > self._limit):
            self._data.clear()
            raise Problem(
                ErrorCode.TOO_LARGE,
                f"a message is longer than {self._limit} bytes",
                reason="message too large",
                remedy="Send a smaller request.",
            )
        if end < 0:
            self._scanned = len(self._data)
            return None
        line = bytes(self._data[:end])
        del self._data[: end + 1]
        self._scanned = 0
        return line
