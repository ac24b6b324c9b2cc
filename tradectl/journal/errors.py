"""The ways a journal can fail, each with what is lost and what to do next."""

from pathlib import Path

from tradectl.model.errors import ErrorCode, Problem


class JournalCorrupt(Problem):
    """A record that should be there is missing or damaged. ``seq`` is the first sequence that cannot be read."""

    def __init__(self, path: Path, offset: int, seq: int, reason: str) -> None:
        super().__init__(
            ErrorCode.INTERNAL,
            f"the journal is corrupt: {path} at byte {offset}, record {seq}: {reason}",
            field=str(path),
            reason=reason,
            remedy=(
                f"Everything before record {seq} is intact. Restore the file from a backup, or move the run's "
                f"directory {path.parent} away and start a new run: it rebuilds its books from the exchange"
            ),
            data={"file": str(path), "offset": offset, "seq": seq},
        )
        self.path = path
        self.offset = offset
        self.seq = seq


class JournalFull(Problem):
    """The journal could not take a record: disk full, quota used up, or the device failed. Nothing was written."""

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(
            ErrorCode.NOT_READY,
            f"the journal cannot be written: {path}: {error.strerror or error}",
            field=str(path),
            reason=str(error),
            remedy="Free space on that disk (or replace it); trading stays halted until a person resumes it",
        )
        self.path = path
        self.error = error


class JournalLocked(Problem):
    """Another process writes this journal."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            ErrorCode.CONFLICT,
            f"another daemon writes the journal {path}",
            field=str(path),
            remedy="Stop it first, or start this one with a profile of its own",
        )


class JournalTooNew(Problem):
    """The journal was written by a later version, whose records this one cannot read."""

    def __init__(self, path: Path, what: str, found: int, known: int) -> None:
        super().__init__(
            ErrorCode.CONFLICT,
            f"{path} has {what} {found}, this version reads up to {known}",
            field=str(path),
            remedy="Run the version that wrote it, or a later one",
        )
