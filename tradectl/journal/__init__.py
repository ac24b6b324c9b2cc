"""The append-only record of everything the engine was told and decided: write, read, checkpoint, recover.

Interface (see ``protocol.py`` for the rules)::

    JournalWriter(directory, header, config=JournalConfig())   # a Journal on disk; cuts a torn tail when opened
    MemoryJournal(header)                                      # its twin in memory
    read_entries(directory, after=0) -> Iterator[Entry]        # in order of seq
    complete_spans(directory) -> list[Span]
    usable_checkpoints(directory, after) -> list[(seq, path)]  # read_checkpoint(path) -> Checkpoint | None
    recover(directory) -> Recovery(header, checkpoint, tail, next_seq, reserved, cuts)
    follow(directory, after=0, families=FAMILIES) -> Follower  # poll() -> list[Entry], from another process
"""

from tradectl.journal.checkpoints import read_checkpoint, usable_checkpoints
from tradectl.journal.codec import encode_entry
from tradectl.journal.config import JournalConfig
from tradectl.journal.errors import JournalCorrupt, JournalFull, JournalLocked, JournalTooNew
from tradectl.journal.follower import Follower, follow
from tradectl.journal.memory import MemoryJournal
from tradectl.journal.protocol import Checkpoint, Cut, Header, Journal, Recovery, Span
from tradectl.journal.reader import complete_spans, read_entries
from tradectl.journal.recovery import recover
from tradectl.journal.segments import FAMILIES, MARKET, ORDERS
from tradectl.journal.writer import JournalWriter

__all__ = [
    "FAMILIES",
    "MARKET",
    "ORDERS",
    "Checkpoint",
    "Cut",
    "Follower",
    "Header",
    "Journal",
    "JournalConfig",
    "JournalCorrupt",
    "JournalFull",
    "JournalLocked",
    "JournalTooNew",
    "JournalWriter",
    "MemoryJournal",
    "Recovery",
    "Span",
    "complete_spans",
    "encode_entry",
    "follow",
    "read_checkpoint",
    "read_entries",
    "recover",
    "usable_checkpoints",
]
