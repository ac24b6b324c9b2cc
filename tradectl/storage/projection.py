"""The thread that keeps the database up with the journals of a state directory. An outage is only lag."""

import logging
import threading
import time
from pathlib import Path

from msgspec import Struct
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from tradectl.journal import ORDERS
from tradectl.journal.segments import first_header, list_segments
from tradectl.model.errors import Problem
from tradectl.model.money import use_exact_context
from tradectl.storage.config import StoreConfig
from tradectl.storage.projector import Projector
from tradectl.storage.run_projection import RunProjection
from tradectl.storage.schema import migrate, newest

log = logging.getLogger("tradectl.storage")
#: A run that has a successor and gave nothing is looked at only this often, in seconds.
_OLD_RUN_SECONDS = 5.0
#: How long the end may take for what is still to be read; the daemon's patience with its children is twice that.
_LAST_LOOK_SECONDS = 5.0


class Progress(Struct, frozen=True):
    """Of the newest run: ``seq`` is in the database, ``lag`` entries are still to come. ``error`` is the present
    trouble, empty when there is none."""

    run: str
    seq: int
    lag: int
    error: str


class Projection:
    """Runs from :meth:`start` to :meth:`stop`; makes or migrates the tables first, as soon as there is a database."""

    def __init__(self, journals: Path, engine: Engine, config: StoreConfig) -> None:
        self.schema = ""
        #: Set once the tables are there and up to date.
        self.ready = threading.Event()
        self._journals = journals
        self._engine = engine
        self._config = config
        self._projector = Projector(engine)
        self._runs: dict[str, RunProjection] = {}
        self._order: dict[str, tuple[int, str]] = {}
        self._not_before: dict[str, float] = {}
        self._run_errors: dict[str, str] = {}
        self._error = ""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._main, name="store-projection", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Take in what was written until now, commit it and end the thread."""
        self._stopping.set()
        self._thread.join()

    @property
    def newest(self) -> str:
        """The newest run, "" when there is none yet."""
        return max(self._order, key=self._order.__getitem__, default="")

    @property
    def as_of(self) -> int:
        """The last sequence of the newest run that is in the database."""
        run = self._runs.get(self.newest)
        return run.committed if run else 0

    def progress(self) -> Progress:
        """How far the newest run is. Reads files while it lags behind: not for an event loop."""
        run = self._runs.get(self.newest)
        error = self._error or self._run_errors.get(self.newest, "")
        if run is None:
            return Progress(self.newest, 0, 0, error)
        return Progress(run.run, run.committed, run.lag(), error)

    def _main(self) -> None:
        use_exact_context()
        pause = self._config.retry_first
        while not self._stopping.is_set():
            try:
                busy = self._round()
            except (SQLAlchemyError, Problem, OSError) as error:
                self._fail(error)
                self._stopping.wait(pause)
                pause = min(2 * pause, self._config.retry_most)
                continue
            self._error, pause = "", self._config.retry_first
            if not busy:
                self._stopping.wait(self._config.poll_seconds)
        self._finish()

    def _round(self) -> bool:
        """One look at every run; whether any had something new."""
        if not self.schema:
            migrate(self._engine)
            self.schema = newest()
            self.ready.set()
        self._discover()
        busy = False
        for run in sorted(self._order, key=self._order.__getitem__):
            busy = self._step(run) or busy
        return busy

    def _step(self, run: str) -> bool:
        now = time.monotonic()
        if now < self._not_before.get(run, 0.0):
            return False
        try:
            projection = self._runs.get(run)
            if projection is None:
                projection = RunProjection(self._journals / run, self._projector, self._config)
                self._runs[run] = projection
            busy = projection.step()
        except Problem as problem:
            self._block(run, problem, now)
            return False
        self._run_errors.pop(run, None)
        if not busy and projection.seq == projection.committed and run != self.newest:
            self._not_before[run] = now + _OLD_RUN_SECONDS
        return busy

    def _block(self, run: str, problem: Problem, now: float) -> None:
        """A run that cannot be read or stored does not keep the others waiting."""
        if self._run_errors.get(run) != str(problem):
            log.error("run %s cannot be projected: %s", run, problem)
        self._run_errors[run] = str(problem)
        self._runs.pop(run, None)
        self._not_before[run] = now + self._config.retry_most

    def _discover(self) -> None:
        """Find runs that have begun a journal, in the order they were begun."""
        if not self._journals.is_dir():
            return
        for directory in self._journals.iterdir():
            if directory.name in self._order:
                continue
            begun = _begun(directory)
            if begun is not None:
                self._order = {**self._order, directory.name: (begun, directory.name)}

    def _fail(self, error: Exception) -> None:
        """Forget what is not committed: it is read again from the journal."""
        text = str(error.orig) if isinstance(error, DBAPIError) else str(error)
        if text != self._error:
            log.warning("the database cannot be written, the projection waits: %s", text)
        self._error = text
        self._runs.clear()
        self._engine.dispose()

    def _finish(self) -> None:
        """Whoever ends the daemon and looks into the database finds what was written up to then."""
        deadline = time.monotonic() + _LAST_LOOK_SECONDS
        try:
            while not self._error and self._round() and time.monotonic() < deadline:
                pass
            for projection in self._runs.values():
                projection.flush()
        except (SQLAlchemyError, Problem, OSError) as error:
            self._fail(error)


def _begun(directory: Path) -> int | None:
    """When the run in ``directory`` was begun, in nanoseconds; ``None`` while it has no journal.

    A damaged beginning counts as the oldest: it is reported when the run is projected.
    """
    segments = list_segments(directory, ORDERS)
    try:
        header = first_header(segments[0]) if segments else None
    except Problem:
        return 0
    return header.header.created if header else None
