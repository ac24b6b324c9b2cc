"""Space kept on disk beforehand and given up when the disk is full, for cancels and the halt."""

import os
from pathlib import Path


class SpareSpace:
    """A file of ``size`` allocated bytes beside the segments."""

    def __init__(self, directory: Path, size: int) -> None:
        self._path = directory / "spare.space"
        self._size = size

    def hold(self) -> None:
        """Allocate the space unless it is held. Raises ``OSError`` when there is none; then nothing is held."""
        if self._is_whole():
            return
        fd = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.posix_fallocate(fd, 0, self._size)
        except OSError:
            self._path.unlink()
            raise
        finally:
            os.close(fd)

    def give_up(self) -> bool:
        """Free the space; ``False`` when it was not held."""
        try:
            self._path.unlink()
        except FileNotFoundError:
            return False
        return True

    def _is_whole(self) -> bool:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return False
        return found.st_size == self._size and found.st_blocks * 512 >= self._size
