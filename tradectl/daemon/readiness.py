"""Tells whoever started the daemon how the start went: one JSON line on an inherited descriptor."""

import os
from typing import Any

import msgspec


class Readiness:
    """Says it once: trading, or why not and with which exit code."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    @property
    def told(self) -> bool:
        return self._fd < 0

    def step(self, text: str) -> None:
        """What is being done now."""
        if self._fd >= 0:
            self._write(self._fd, {"step": text})

    def _tell(self, line: dict[str, Any]) -> None:
        if self._fd < 0:
            return
        fd, self._fd = self._fd, -1
        if self._write(fd, line):
            os.close(fd)

    @staticmethod
    def _write(fd: int, line: dict[str, Any]) -> bool:
        """Whether the starter still listens."""
        try:
            os.write(fd, msgspec.json.encode(line) + b"\n")
        except OSError:
            return False
        return True

    def up(self, **facts: Any) -> None:
        """The daemon trades."""
        self._tell({"ok": True, "exit": 0, **facts})

    def down(self, code: int, message: str, remedy: str = "", alive: bool = False) -> None:
        """It does not; ``alive`` when it stays up all the same (halted)."""
        self._tell({"ok": False, "exit": code, "message": message, "remedy": remedy, "alive": alive})
