"""The thread that makes records durable in groups, so that the loop never waits for a disk."""

import contextlib
import os
import queue
import threading
from collections import deque
from collections.abc import Callable

#: Least time between two flushes nobody waits for, in seconds.
_REST = 0.001


class Committer:
    """Flushes ``files()`` (in that order) whenever an urgent record was written, else every ``interval`` seconds.

    The producer calls :meth:`wrote` and :meth:`retire`; anybody may read ``durable`` and ``failure``. After a failed
    flush nothing counts as durable any more until :meth:`retry`: the kernel may have dropped the data.
    """

    def __init__(self, files: Callable[[], tuple[int, ...]], durable: int, interval: float = 0.05) -> None:
        self.durable = durable
        self.failure: OSError | None = None
        self._files = files
        self._interval = interval
        self._written = self._urgent = durable
        self._retired: deque[int] = deque()
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._changed = threading.Condition()
        self._idle = False
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="journal-commit", daemon=True)
        self._thread.start()

    def wrote(self, seq: int, urgent: bool) -> None:
        """``seq`` is in its file. ``urgent`` records are flushed at once, the others with the next group."""
        self._written = seq
        if urgent:
            self._urgent = seq
            if self._idle:
                self._idle = False
                self._wake.put(None)

    def retire(self, fd: int) -> None:
        """Close ``fd`` once no flush can be using it: only this thread closes files, so no number is reused."""
        self._retired.append(fd)

    def wait(self, seq: int, timeout: float) -> bool:
        """Wait until ``seq`` is durable; ``False`` after ``timeout`` seconds or a failed flush."""
        if self.durable >= seq:
            return True
        self._urgent = max(self._urgent, seq)
        self._wake.put(None)
        with self._changed:
            self._changed.wait_for(lambda: self.durable >= seq or self.failure is not None, timeout)
        return self.durable >= seq

    def retry(self) -> None:
        """Flush again after a failure, in the caller's thread. Raises ``OSError`` when it fails again."""
        for fd in self._files():
            os.fdatasync(fd)
        self.failure = None
        self._wake.put(None)

    def stop(self) -> None:
        """Flush what is left, close retired files, end the thread."""
        self._stopping = True
        self._wake.put(None)
        self._thread.join()
        self._close_retired()

    def _run(self) -> None:
        while not self._stopping:
            self._idle = True
            if self._urgent <= self.durable or self.failure is not None:
                with contextlib.suppress(queue.Empty):
                    self._wake.get(timeout=self._interval)
            self._idle = False
            if self._written > self.durable and self.failure is None:
                self._commit()
                self._rest()
        if self._written > self.durable and self.failure is None:
            self._commit()

    def _rest(self) -> None:
        """In a burst let writes gather: each flush makes the writes beside it wait. Somebody waiting ends the rest."""
        with contextlib.suppress(queue.Empty):
            self._wake.get(timeout=_REST)

    def _commit(self) -> None:
        # The order matters: all of `written` is in `files` as read after it, or in a file retired (flushed) before.
        written = self._written
        files = self._files()
        retired = list(self._retired)
        try:
            for fd in files:
                os.fdatasync(fd)
        except OSError as error:
            self.failure = error
        else:
            self.durable = written
            self._close_retired(len(retired))
        with self._changed:
            self._changed.notify_all()

    def _close_retired(self, count: int | None = None) -> None:
        for _ in range(len(self._retired) if count is None else count):
            os.close(self._retired.popleft())
