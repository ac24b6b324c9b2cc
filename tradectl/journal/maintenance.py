"""Closed market segments: compressed in the background, the oldest pruned to a disk budget with their checkpoints."""

import os
import queue
import threading
import zlib
from pathlib import Path
from typing import BinaryIO

from tradectl.journal.checkpoints import anchors, list_checkpoints
from tradectl.journal.config import JournalConfig
from tradectl.journal.files import sync_directory
from tradectl.journal.segments import MARKET, SegmentFile, list_segments

_CHUNK = 256 * 1024
_GZIP = 31  # zlib's window argument that means "with a gzip header"


class Maintainer:
    """A thread of the lowest priority that works through the closed segments whenever it is woken.

    ``problem`` is why the last round could not be finished; the next round tries again.
    """

    def __init__(self, directory: Path, config: JournalConfig) -> None:
        self.problem = ""
        self._directory = directory
        self._config = config
        self._wake: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="journal-maintenance", daemon=True)
        self._thread.start()
        self.wake()

    def wake(self) -> None:
        """A segment was closed or a checkpoint made."""
        self._wake.put(True)

    def stop(self) -> None:
        """End the thread; a compression under way is dropped and repeated next time."""
        self._stopping.set()
        self._wake.put(False)
        self._thread.join()

    def _run(self) -> None:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 15)
        while self._wake.get() and not self._stopping.is_set():
            try:
                compress_closed(self._directory, self._config.compression_level, self._stopping)
                prune(self._directory, self._config.market_budget, self._config.checkpoints_kept)
                self.problem = ""
            except OSError as error:
                self.problem = f"market segments cannot be compressed or pruned: {error}"


def compress_closed(directory: Path, level: int, stopping: threading.Event) -> None:
    """Compress every market segment but the newest. Raises ``OSError``; what is half done is redone next time."""
    for file in list_segments(directory, MARKET)[:-1]:
        if not file.is_compressed and not stopping.is_set():
            _compress(file, level, stopping)
    remove_twins(directory)


def remove_twins(directory: Path) -> None:
    """Remove files whose compressed twin is complete: a crash may fall between the rename and the removal."""
    for file in list_segments(directory, MARKET):
        if file.is_compressed:
            file.path.with_name(file.path.name.removesuffix(".gz")).unlink(missing_ok=True)


def prune(directory: Path, budget: int, keep: int = 1) -> None:
    """Delete the oldest closed market segments until they, with the checkpoints kept for them, fit ``budget`` bytes.

    Never one that holds entries behind the oldest of the newest ``keep`` checkpoints: a restart needs them. Without a
    checkpoint nothing is deleted.
    """
    files = list_segments(directory, MARKET)
    newest = list_checkpoints(directory)[:keep]
    needed_from = newest[-1][0] + 1 if newest else 0
    sizes = [file.path.stat().st_size for file in files]
    kept = [(seq, path, path.stat().st_size) for seq, path in anchors(directory, keep)]
    total = sum(sizes[:-1]) + sum(size for _, _, size in kept)
    for index, file in enumerate(files[:-1]):
        following = files[index + 1].first
        if total <= budget or following > needed_from:
            break
        file.path.unlink()
        total -= sizes[index]
        while kept and kept[0][0] + 1 < following:
            _, path, size = kept.pop(0)
            path.unlink(missing_ok=True)
            total -= size
    sync_directory(directory)


def _compress(file: SegmentFile, level: int, stopping: threading.Event) -> None:
    target = file.path.with_name(file.path.name + ".gz")
    temporary = target.with_name(target.name + ".tmp")
    try:
        with file.path.open("rb") as source, _create(temporary) as out:
            packer = zlib.compressobj(level, wbits=_GZIP)
            while chunk := source.read(_CHUNK):
                if stopping.is_set():
                    return
                out.write(packer.compress(chunk))
            out.write(packer.flush())
            out.flush()
            os.fdatasync(out.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    sync_directory(file.path.parent)
    file.path.unlink()


def _create(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
