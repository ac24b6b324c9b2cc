"""Entries to write: made here so that every test reads the same shapes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from tradectl.journal import Header, JournalConfig, JournalWriter
from tradectl.model.commands import BalanceChanged, CancelOrder, Entry
from tradectl.model.events import SCHEMA, QuoteChanged, TimerFired
from tradectl.model.instruments import Category, InstrumentId

INSTRUMENT = InstrumentId(Category.LINEAR, "BTCUSDT")
HEADER = Header(run="abcdefgh", mode="sandbox", code="c1", strategies="s1", settings="t1", instruments="i1", created=7)


def market(seq: int) -> Entry:
    """An entry of the market family."""
    return Entry(SCHEMA, seq, QuoteChanged(seq * 1000, seq * 999, INSTRUMENT, 105000.1, 1.0 + seq, 105000.2, 2.5))


def order(seq: int, size: int = 0) -> Entry:
    """An entry of the order family, ``size`` bytes longer than it need be."""
    text = "x" * size
    commands = (BalanceChanged(seq, "USDT", Decimal(seq) / 7), CancelOrder(seq, f"link-{seq}{text}", "", INSTRUMENT))
    return Entry(SCHEMA, seq, TimerFired(seq * 1000, "timer", seq), commands)


def mixed(seq: int) -> Entry:
    """Two thirds market data, one third orders."""
    return order(seq) if seq % 3 == 0 else market(seq)


class Maker:
    """What the tests make entries and writers with."""

    header = HEADER
    market = staticmethod(market)
    order = staticmethod(order)
    mixed = staticmethod(mixed)

    @staticmethod
    @contextmanager
    def writing(
        directory: Path, config: JournalConfig | None = None, header: Header = HEADER
    ) -> Iterator[JournalWriter]:
        writer = JournalWriter(directory, header, config)
        try:
            yield writer
        finally:
            writer.close()

    @classmethod
    def fill(
        cls, directory: Path, count: int, make: Callable[[int], Entry] = mixed, config: JournalConfig | None = None
    ) -> list[Entry]:
        """Append ``count`` entries (after those already there) and close; the entries appended."""
        with cls.writing(directory, config) as writer:
            entries = [make(seq) for seq in range(writer.next_seq, writer.next_seq + count)]
            for entry in entries:
                writer.append(entry)
            return entries


@pytest.fixture
def make() -> Maker:
    return Maker()
