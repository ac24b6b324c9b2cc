"""The journal: what an append costs the loop, and how soon a record survives a power cut."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.benchmarks.engine import buyers
from tests.benchmarks.engine_script import BTC, ready_engine, record
from tests.benchmarks.measure import Effort, Goal, Row, cpu_us, interleaved, quantile, wall_us
from tradectl.journal import Header, JournalWriter
from tradectl.journal.codec import encode_entry
from tradectl.model.commands import Entry
from tradectl.model.events import SCHEMA, QuoteChanged

HEADER = Header(run="bench000", mode="sandbox")
#: Between two events of an ordinary market the committing thread has its turn.
PACE_US = 200.0


def market_entries(count: int) -> list[Entry]:
    """Quotes on which nothing was decided."""
    return [
        Entry(SCHEMA, n, QuoteChanged(n * 1000, n * 999, BTC, 105_000.1, 1.5, 105_000.2, 2.5))
        for n in range(1, count + 1)
    ]


def order_entries(count: int) -> list[Entry]:
    """What the engine made of quotes on which a strategy orders: decision, approval, the order's life, the books."""
    script = record(buyers(), {QuoteChanged: 30}, max(30, count // 4))
    engine = ready_engine(script.strategies)
    found = []
    for event in script.events[:count]:
        commands = engine.apply(event)
        found.append(Entry(SCHEMA, len(found) + 1, event, commands))  # type: ignore[arg-type]
    return found


def _in_journal(work: Callable[[JournalWriter], float], directory: Path) -> float:
    with tempfile.TemporaryDirectory(dir=directory) as fresh:
        writer = JournalWriter(Path(fresh), HEADER)
        try:
            return work(writer)
        finally:
            writer.close()


def _burst(entries: list[Entry], writer: JournalWriter) -> float:
    """As fast as it goes: what a flood of market data pays."""

    def work() -> int:
        append = writer.append
        for entry in entries:
            append(entry)
        return len(entries)

    return wall_us(work)


def _one_by_one(append: Callable[[Entry], object], entries: list[Entry]) -> float:
    """The median of appends that come one by one, each finding the processor cold."""
    clock = time.perf_counter_ns
    spent = []
    for entry in entries:
        time.sleep(PACE_US / 1e6)  # as a loop that waits for its next event
        before = clock()
        append(entry)
        spent.append((clock() - before) / 1_000)
    return quantile(spent, 0.5)


def _paced(entries: list[Entry], writer: JournalWriter) -> float:
    return _one_by_one(writer.append, entries)


def _paced_floor(entries: list[Entry], directory: Path) -> float:
    with tempfile.NamedTemporaryFile(dir=directory, buffering=0) as file:
        fd = file.fileno()
        return _one_by_one(lambda entry: os.write(fd, encode_entry(entry)), entries)


def _written(entries: list[Entry], directory: Path) -> float:
    """The floor: the encoded bytes and one ``write`` into a file."""
    with tempfile.NamedTemporaryFile(dir=directory, buffering=0) as file:
        fd = file.fileno()

        def work() -> int:
            for entry in entries:
                os.write(fd, encode_entry(entry))
            return len(entries)

        return wall_us(work)


def append_rows(effort: Effort, directory: Path) -> Iterator[Row]:
    """What the producer pays."""
    for kind, entries in (
        ("market", market_entries(effort.count(10_000, least=50))),
        ("order", order_entries(effort.count(4_000, least=50))),
    ):
        few = entries[: effort.count(2_000, least=20)]
        jobs: dict[str, Callable[[], float]] = {
            "burst": partial(_in_journal, partial(_burst, entries), directory),
            "write": partial(_written, entries, directory),
            "paced": partial(_in_journal, partial(_paced, few), directory),
            "paced write": partial(_paced_floor, few, directory),
            "encode": partial(cpu_us, partial(_encoded, entries)),
        }
        found = interleaved(effort.rounds, jobs)
        size = sum(len(encode_entry(e)) for e in entries) // len(entries)
        floors = {"encode + write": found["write"]}
        note = f"records of {size} bytes, of it encoding {sorted(found['encode'])[len(found['encode']) // 2]:.1f} us"
        yield Row(
            name=f"journal.append-{kind}", what=f"appending {kind} entries in a burst, wall", unit="us",
            values=found["burst"], floors=floors, goals=(Goal(10.0),), note=note,
        )  # fmt: skip
        yield Row(
            name=f"journal.append-{kind}-paced", what=f"appending one every {PACE_US:.0f} us, median, wall", unit="us",
            values=found["paced"], floors={"encode + write": found["paced write"]}, goals=(Goal(10.0),),
        )  # fmt: skip


def _encoded(entries: list[Entry]) -> int:
    for entry in entries:
        encode_entry(entry)
    return len(entries)


def _durable(entries: list[Entry], share: float, writer: JournalWriter) -> float:
    clock = time.perf_counter_ns
    waits = []
    for entry in entries:
        before = clock()
        writer.append(entry)
        writer.wait_durable(entry.seq)
        waits.append((clock() - before) / 1_000)
    return quantile(waits, share)


def _synced(size: int, times: int, share: float, directory: Path) -> float:
    """The floor: the same bytes, one write and one ``fdatasync``."""
    clock = time.perf_counter_ns
    data = b"x" * size
    waits = []
    with tempfile.NamedTemporaryFile(dir=directory, buffering=0) as file:
        for _ in range(times):
            before = clock()
            os.write(file.fileno(), data)
            os.fdatasync(file.fileno())
            waits.append((clock() - before) / 1_000)
    return quantile(waits, share)


def durable_rows(effort: Effort, directory: Path) -> Iterator[Row]:
    """From the append of an order entry to its being on disk."""
    entries = order_entries(effort.count(300, least=10))
    size = sum(len(encode_entry(e)) for e in entries) // len(entries)
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        found = interleaved(
            effort.rounds,
            {
                "own": partial(_in_journal, partial(_durable, entries, share), directory),
                "fdatasync": partial(_synced, size, len(entries), share, directory),
            },
        )
        goals = (Goal(3.0, "fdatasync"),) if name == "p50" else ()
        yield Row(
            name=f"journal.durable-{name}", what="from append to durable, one entry at a time, wall", unit="us",
            values=found["own"], floors={"fdatasync": found["fdatasync"]}, goals=goals,
        )  # fmt: skip


def rows(effort: Effort) -> Iterator[Row]:
    """Everything about the journal, in a directory on the disk that temporary files are on."""
    with tempfile.TemporaryDirectory(prefix="tradectl-bench-") as directory:
        yield from append_rows(effort, Path(directory))
        yield from durable_rows(effort, Path(directory))
