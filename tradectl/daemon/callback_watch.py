"""Ends callbacks that take too long: a thread looks on, and a signal raises inside the callback, nowhere else.

Python code is interrupted where it stands (decision 23). Code inside C that holds the interpreter cannot be: then the
thread cannot renew the hard deadline either, and the process ends itself (:mod:`black_box`).
"""

import signal
import threading
import time
from types import FrameType
from typing import Any

from tradectl.daemon.black_box import BlackBox
from tradectl.engine.callback_guard import CallbackAborted
from tradectl.engine.callbacks import CALLBACK_FRAME

#: Ignored by default, so that one that comes too late harms nobody.
_SIGNAL = signal.SIGURG
#: How often the hard deadline is renewed, in seconds.
_RENEW = 1.0


class CallbackWatch:
    """The engine's guard. ``limit`` and ``deadline`` in seconds of wall time, 0 for none; use it on the main thread."""

    def __init__(self, limit: float, deadline: float, box: BlackBox) -> None:
        self._limit, self._deadline, self._box = limit, deadline, box
        self._call = 0
        self._inside = False
        #: The call that is to be aborted, 0 for none: a signal that arrives in the next one finds another number.
        self._target = 0
        self._aborted = ""
        self._renewed = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="callback-watch", daemon=True)
        self._main = threading.main_thread().ident or 0
        self._before: Any = None

    def start(self) -> None:
        """Begin to watch."""
        self._before = signal.signal(_SIGNAL, self._interrupt)
        self._box.open()
        self._renew(time.monotonic())
        self._thread.start()

    def stop(self) -> None:
        """Look away; the black box is empty after this."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()
        self._box.close()
        if self._before is not None:
            signal.signal(_SIGNAL, self._before)

    # --- told by the engine

    def enter(self, name: str) -> None:
        """A callback begins."""
        self._call += 1
        if self._box.map is not None:
            self._box.map[:] = self._box.padded(name)
        self._inside = True

    def leave(self) -> str:
        """It ended; why it was aborted, if it was."""
        self._inside = False
        if self._box.map is not None:
            self._box.map[0] = 0
        if not self._aborted:
            return ""
        why, self._aborted = self._aborted, ""
        return why

    # --- the thread

    def _watch(self) -> None:
        pause = min(self._limit / 4, 0.25) if self._limit else 0.25
        seen, since = 0, 0.0
        while not self._ended.wait(pause):
            now = time.monotonic()
            call = self._call if self._inside else 0
            if call != seen:
                seen, since = call, now
            running = now - since if call else 0.0
            if now - self._renewed >= _RENEW and (running < self._deadline or not call):
                self._renew(now)
            if call and self._limit and running >= self._limit:
                self._target = call
                signal.pthread_kill(self._main, _SIGNAL)

    def _renew(self, now: float) -> None:
        self._renewed = now
        if self._deadline:
            self._box.end_at(self._deadline)

    # --- the signal, on the main thread

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if not self._inside or self._call != self._target or not _in_callback(frame):
            return
        self._aborted = f"it took more than {self._limit * 1000:g} ms and was aborted"
        raise CallbackAborted(self._aborted)


def _in_callback(frame: FrameType | None) -> bool:
    """Whether the interrupted code was called by a callback: not the engine around it, nor this guard."""
    if frame is None or frame.f_code in _OWN:
        return False
    while frame is not None and frame.f_code is not CALLBACK_FRAME:
        frame = frame.f_back
    return frame is not None


_OWN = frozenset({CALLBACK_FRAME, CallbackWatch.enter.__code__, CallbackWatch.leave.__code__, BlackBox.padded.__code__})
