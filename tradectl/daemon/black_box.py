"""What outlives the process: which strategy was inside a callback when it died, and how it died.

A loop inside C holds the interpreter, so nothing of ours can end it or write anything down. Two files of the state
directory speak for it: ``blackbox``, mapped into memory, holds the name of the instance whose callback runs (a plain
store before each callback); ``hang.log`` takes the traceback that :mod:`faulthandler` writes from a thread of its own,
without the interpreter, when the hard deadline passes or the process crashes.
"""

import contextlib
import faulthandler
import mmap
import os
import re
from pathlib import Path

from msgspec import Struct

_SIZE = 256
_FRAME = re.compile(r'  File "(?P<file>.+)", line (?P<line>\d+) in (?P<name>\S+)')


class Died(Struct, frozen=True):
    """The strategy a daemon died in, and how, in words."""

    name: str
    reason: str


class BlackBox:
    """The two files. :meth:`died` is asked before :meth:`open`, which begins them anew."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "blackbox"
        self._log_path = directory / "hang.log"
        self._log = -1
        self._known: dict[str, bytes] = {}
        self.map: mmap.mmap | None = None

    def died(self) -> Died | None:
        """Which strategy ended the last process; ``None`` when it ended otherwise."""
        try:
            name = self._path.read_bytes().rstrip(b"\0").decode()
            log = self._log_path.read_text(errors="replace")
        except (OSError, UnicodeDecodeError):
            return None
        if not name or not log:
            return None  # killed from outside, or not in a callback: nobody's fault
        return Died(name, f"{_how(log)}{_where(log)}")

    def open(self) -> None:
        """Begin anew, and write down crashes from now on."""
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        os.ftruncate(fd, _SIZE)
        self.map = mmap.mmap(fd, _SIZE)
        os.close(fd)
        self._log = os.open(self._log_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        faulthandler.enable(self._log)

    def padded(self, name: str) -> bytes:
        """A name as it is written into the map."""
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = name.encode()[: _SIZE - 1].ljust(_SIZE, b"\0")
        return known

    def end_at(self, seconds: float) -> None:
        """The process ends in so many seconds, unless this is called again before."""
        faulthandler.dump_traceback_later(seconds, exit=True, file=self._log)

    def close(self) -> None:
        """An orderly end: nobody died."""
        faulthandler.cancel_dump_traceback_later()
        if self.map is None:
            return
        faulthandler.disable()
        self.map.close()
        self.map = None
        os.close(self._log)
        for path in (self._path, self._log_path):
            with contextlib.suppress(OSError):
                path.unlink()


def _how(log: str) -> str:
    first = log.split("\n", 1)[0].strip()
    timeout = re.match(r"Timeout \((\d+):(\d+):([\d.]+)\)", first)
    if timeout is not None:
        hours, minutes, seconds = timeout.groups()
        held = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
        return f"it held the process for {held:g} s and the daemon ended itself"
    return f"it crashed the process ({first.removeprefix('Fatal Python error: ')})"


def _where(log: str) -> str:
    """The innermost line of the callback: the newest frame of the thread that ran it."""
    for block in log.split("\n\n"):
        frames = [found for line in block.splitlines() if (found := _FRAME.match(line))]
        if any(frame["file"].endswith("engine/callbacks.py") for frame in frames):
            newest = frames[0]
            return f", in {newest['name']} ({Path(newest['file']).name}, line {newest['line']})"
    return ""
