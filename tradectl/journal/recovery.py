"""What a restart needs from a journal, read without changing it."""

from pathlib import Path

from tradectl.journal.checkpoints import latest_checkpoint
from tradectl.journal.errors import JournalCorrupt
from tradectl.journal.protocol import Recovery
from tradectl.journal.reader import decode, read_records
from tradectl.journal.reservation import read_reserved
from tradectl.journal.segments import MARKET, list_segments
from tradectl.journal.tail import Tail, find_tail


def recover(directory: Path) -> Recovery:
    """The newest usable checkpoint and the entries behind it.

    A damaged checkpoint is passed over for the one before it. Raises :class:`JournalCorrupt`, also when the entries
    behind the checkpoint were pruned. Damage inside the tail is raised while it is iterated.
    """
    tail = find_tail(directory)
    checkpoint, passed_over = latest_checkpoint(directory, tail.last)
    begin = checkpoint.seq if checkpoint else 0
    _refuse_pruned_tail(directory, tail, begin)
    return Recovery(
        header=tail.header,
        checkpoint=checkpoint,
        tail=(decode(record) for record in read_records(directory, tail, begin)),
        next_seq=tail.last + 1,
        reserved=read_reserved(directory),
        cuts=tail.cuts,
        passed_over=passed_over,
    )


def _refuse_pruned_tail(directory: Path, tail: Tail, begin: int) -> None:
    if begin < tail.pruned:
        oldest = list_segments(directory, MARKET)[0]
        reason = f"no checkpoint can be read, and the market data of records {begin + 1} to {tail.pruned} was pruned"
        raise JournalCorrupt(oldest.path, 0, begin + 1, reason)
