"""The test bench's run as a recorded one, its journal in memory."""

from collections.abc import Iterable
from functools import lru_cache

from tests.unit.engine.recorded import CLASSES, record
from tradectl.backtest.recorded import Recorded
from tradectl.backtest.replay import Chapter
from tradectl.model.commands import Entry
from tradectl.model.events import SCHEMA, AnyEvent


@lru_cache(maxsize=8)
def entries(seed: int, bars: int = 60) -> tuple[Entry, ...]:
    """What a journal of the bench would hold."""
    bench = record(seed, bars)
    pairs = zip(bench.events, bench.answers, strict=True)
    return tuple(Entry(SCHEMA, seq, event, commands) for seq, (event, commands) in enumerate(pairs, 1))  # type: ignore[arg-type]


def recorded(kept: Iterable[Entry], seed: int = 1, first: int = 1) -> Recorded:
    """A run over these entries under the bench's configuration."""
    rows = tuple(kept)
    config = record(seed, 1).config
    return Recorded("0000000r", "sandbox", lambda: iter(rows), (Chapter(0, config, CLASSES),), first)


def of_events(*events: AnyEvent) -> Recorded:
    """A run that was told these and decided nothing."""
    return recorded(Entry(SCHEMA, seq, event) for seq, event in enumerate(events, 1))
