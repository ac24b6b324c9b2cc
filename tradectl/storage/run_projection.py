"""One run's journal on its way into the database."""

import time
from pathlib import Path

from tradectl.journal import ORDERS, follow
from tradectl.journal.tail import find_tail
from tradectl.model.errors import ErrorCode, Problem
from tradectl.storage.batch import Batch
from tradectl.storage.config import StoreConfig
from tradectl.storage.projector import Projector

#: Entries that change no row move the offset only this often, in seconds: a commit is a disk flush.
_BARE_OFFSET_SECONDS = 10.0


class RunProjection:
    """Follows one run from where the database has it. What is not committed yet is read again after a failure.

    Raises ``Problem(CONFLICT)`` when the database has entries that the journal does not: it was restored from an
    older backup, or it belongs to another database.
    """

    def __init__(self, directory: Path, projector: Projector, config: StoreConfig) -> None:
        self.run = directory.name
        self._directory = directory
        self._projector = projector
        self._config = config
        offset = projector.offset(self.run)
        self._refuse_older_journal(offset)
        self._follower = follow(directory, offset, (ORDERS,))
        self._batch = Batch(self.run, offset)
        self._since = 0.0
        self.caught_up = False

    @property
    def seq(self) -> int:
        """The last sequence taken in; rows up to :attr:`committed` are in the database."""
        return self._batch.seq

    @property
    def committed(self) -> int:
        """The last sequence of which every row is in the database."""
        return self._batch.after if self._batch.size else self._batch.seq

    def step(self) -> bool:
        """Take in what is new and commit when it is time; whether there was anything new.

        Raises ``JournalCorrupt``, ``DBAPIError`` and what :meth:`Projector.commit` raises.
        """
        entries = self._follower.poll(self._config.batch_rows)
        if entries and self._batch.seq == self._batch.after:
            self._since = time.monotonic()
        for entry in entries:
            self._batch.add(entry)
        self.caught_up = not entries
        if self._is_due():
            self.flush()
        return bool(entries)

    def flush(self) -> None:
        """Commit what was taken in. The journal is made durable first, so the database is never ahead of it."""
        if self._batch.seq == self._batch.after:
            return
        self._follower.sync()
        self._projector.commit(self._batch)
        self._batch = Batch(self.run, self._batch.seq)

    def lag(self) -> int:
        """How many entries of the journal are not in the database yet."""
        if self.caught_up and not self._batch.size:
            return 0
        return max(0, find_tail(self._directory).last - self.committed)

    def _is_due(self) -> bool:
        if self._batch.seq == self._batch.after:
            return False
        waited = time.monotonic() - self._since
        if not self._batch.size:
            return waited >= _BARE_OFFSET_SECONDS
        return self._batch.size >= self._config.batch_rows or waited >= self._config.batch_seconds

    def _refuse_older_journal(self, offset: int) -> None:
        last = find_tail(self._directory).last
        if offset > last:
            raise Problem(
                ErrorCode.CONFLICT,
                f"the database has run {self.run} up to entry {offset}, its journal ends at {last}",
                field="store.database",
                reason="the database is ahead of the journal",
                remedy=f"Restore {self._directory} from the newest backup, or use a new database",
            )
