"""Holds the market of a stepped venue, so that daemon and venue come to rest."""

from pathlib import Path
from typing import Any

from tests.sandbox.daemon_process import DaemonProcess


class Hold:
    """Starts a daemon that waits, and lets the market go on and stand."""

    def __init__(self, daemon: DaemonProcess) -> None:
        self._daemon = daemon
        self._file: Path = daemon.directory / "hold"

    def start(self, *more: str) -> dict[str, Any]:
        """Start with the market held."""
        self.hold()
        return self._daemon.start("--hold", str(self._file), *more, module="tests.faults.held_daemon")

    def hold(self) -> None:
        self._file.touch()

    def release(self) -> None:
        self._file.unlink(missing_ok=True)
