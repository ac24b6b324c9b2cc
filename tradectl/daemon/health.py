"""How the parts of the process are: streams, children and journal, for ``tradectl status``."""

from collections.abc import Callable, Sequence
from pathlib import Path

from tradectl.daemon.children import Child
from tradectl.daemon.sandbox_process import SandboxProcess
from tradectl.journal import Journal
from tradectl.model.events import ConnectionChanged
from tradectl.rpc.methods import ChildStatus, JournalStatus, StreamStatus


class Health:
    """Remembers the streams' last word and asks the others when it is asked."""

    def __init__(
        self,
        directory: Path,
        journal: Journal,
        seq: Callable[[], int],
        children: Sequence[Child],
        sandbox: SandboxProcess | None,
    ) -> None:
        self._directory = directory
        self._journal = journal
        self._seq = seq
        self._children = children
        self._sandbox = sandbox
        self._streams: dict[str, StreamStatus] = {}

    def connection(self, event: ConnectionChanged) -> None:
        """A stream came up or went away."""
        self._streams[event.stream] = StreamStatus(event.stream, event.up, event.received, None, event.reason)

    def streams(self) -> tuple[StreamStatus, ...]:
        """Every stream that was ever opened."""
        return tuple(self._streams.values())

    def children(self) -> tuple[ChildStatus, ...]:
        """The supervised processes."""
        found = tuple(child.status() for child in self._children)
        return (self._sandbox.status(), *found) if self._sandbox is not None else found

    def journal(self) -> JournalStatus:
        """How far the journal is, on disk and in bytes."""
        size = sum(f.stat().st_size for f in self._directory.iterdir() if f.is_file())
        failure = self._journal.failure
        return JournalStatus(str(self._directory), self._seq(), self._journal.durable_seq, size, not failure, failure)
