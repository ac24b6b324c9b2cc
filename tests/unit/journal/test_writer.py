"""Writing and reading back: order, families, rolls, compression, pruning, reopening."""

import gzip
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable

import pytest

from tradectl.journal import (
    Header,
    JournalConfig,
    JournalCorrupt,
    JournalLocked,
    JournalTooNew,
    JournalWriter,
    Span,
    complete_spans,
    read_entries,
    recover,
)
from tradectl.journal.segments import MARKET, ORDERS, first_header, list_segments

SMALL = JournalConfig(orders_segment=2000, market_segment=2000, reserve_space=4096)


def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition was not met in time"
        time.sleep(0.005)


def test_entries_come_back_in_one_total_order(tmp_path, make):
    written = make.fill(tmp_path, 100)
    assert list(read_entries(tmp_path)) == written
    assert list(read_entries(tmp_path, after=60)) == written[60:]
    assert list(read_entries(tmp_path, after=100)) == []


def test_families_hold_what_they_are_named_for(tmp_path, make):
    make.fill(tmp_path, 30)
    orders, market = list_segments(tmp_path, ORDERS), list_segments(tmp_path, MARKET)
    assert b"link-3" in orders[0].path.read_bytes()
    assert b"QuoteChanged" not in orders[0].path.read_bytes()
    assert b"link-" not in market[0].path.read_bytes()


def test_a_wrong_sequence_is_refused_and_nothing_is_written(tmp_path, make):
    with make.writing(tmp_path) as writer:
        writer.append(make.order(1))
        for seq in (1, 3, 0):
            with pytest.raises(ValueError, match="appended where 2 is due"):
                writer.append(make.order(seq))
        writer.append(make.order(2))
    assert [entry.seq for entry in read_entries(tmp_path)] == [1, 2]


def test_reopening_continues_the_order_and_records_the_new_fingerprints(tmp_path, make):
    first = make.fill(tmp_path, 10)
    with make.writing(tmp_path, header=Header(run="abcdefgh", code="c2")) as writer:
        assert writer.next_seq == 11
        writer.append(make.order(11))
    assert list(read_entries(tmp_path)) == [*first, make.order(11)]
    codes = [first_header(file).header.code for file in list_segments(tmp_path, ORDERS)]
    assert codes == ["c1", "c2"]
    assert recover(tmp_path).header.code == "c2"


def test_opening_without_writing_leaves_no_trail_of_empty_segments(tmp_path, make):
    make.fill(tmp_path, 3)
    for _ in range(5):
        JournalWriter(tmp_path, make.header).close()
    assert len(list_segments(tmp_path, ORDERS)) == 2
    assert len(list(read_entries(tmp_path))) == 3


def test_segments_roll_and_market_ones_are_compressed(tmp_path, make):
    with make.writing(tmp_path, SMALL) as writer:
        written = [make.mixed(seq) for seq in range(1, 301)]
        for entry in written:
            writer.append(entry)
        until(lambda: all(file.is_compressed for file in list_segments(tmp_path, MARKET)[:-1]))
    assert len(list_segments(tmp_path, ORDERS)) > 3
    assert len(list_segments(tmp_path, MARKET)) > 3
    assert not list_segments(tmp_path, MARKET)[-1].is_compressed
    assert list(read_entries(tmp_path)) == written
    assert list(read_entries(tmp_path, after=150)) == written[150:]
    assert complete_spans(tmp_path) == [Span(1, 300)]


def test_an_interrupted_compression_is_repeated(tmp_path, make):
    written = make.fill(tmp_path, 200, config=SMALL)
    file = next(file for file in list_segments(tmp_path, MARKET) if not file.is_compressed)
    (tmp_path / (file.path.name + ".gz.tmp")).write_bytes(b"half")
    assert list(read_entries(tmp_path)) == written
    with make.writing(tmp_path, SMALL):
        until(lambda: all(file.is_compressed for file in list_segments(tmp_path, MARKET)[:-1]))
    assert not list(tmp_path.glob("*.tmp"))
    assert list(read_entries(tmp_path)) == written


def test_a_file_beside_its_compressed_twin_counts_once(tmp_path, make):
    with make.writing(tmp_path, SMALL) as writer:
        written = [make.market(seq) for seq in range(1, 60)]
        for entry in written:
            writer.append(entry)
        oldest = tmp_path / "market-00000000000000000001.tj"
        until(lambda: not oldest.exists())
    oldest.write_bytes(gzip.decompress((tmp_path / f"{oldest.name}.gz").read_bytes()))
    assert list(read_entries(tmp_path)) == written
    make.fill(tmp_path, 1)
    assert not oldest.exists()


def test_pruning_keeps_orders_and_what_a_restart_needs(tmp_path, make):
    config = JournalConfig(market_segment=2000, market_budget=1500, reserve_space=4096)
    with make.writing(tmp_path, config) as writer:
        for seq in range(1, 601):
            writer.append(make.mixed(seq))
        until(lambda: all(file.is_compressed for file in list_segments(tmp_path, MARKET)[:-1]))
        assert list_segments(tmp_path, MARKET)[0].first == 1, "without a checkpoint nothing may be pruned"
        writer.checkpoint(400, b"state")
        until(lambda: list_segments(tmp_path, MARKET)[0].first > 1)
    spans = complete_spans(tmp_path)
    assert len(spans) == 1
    first = spans[0].first
    assert 1 < first <= 401
    assert spans[0].last == 600
    kept = [entry.seq for entry in read_entries(tmp_path)]
    assert kept == [seq for seq in range(1, 601) if seq % 3 == 0 or seq >= first]
    recovery = recover(tmp_path)
    assert (recovery.checkpoint.seq, recovery.checkpoint.state) == (400, b"state")
    assert [entry.seq for entry in recovery.tail] == list(range(401, 601))


def test_a_pruned_journal_without_a_readable_checkpoint_is_reported(tmp_path, make):
    config = JournalConfig(market_segment=2000, market_budget=0, reserve_space=4096)
    with make.writing(tmp_path, config) as writer:
        for seq in range(1, 301):
            writer.append(make.mixed(seq))
        writer.checkpoint(290, b"state")
        until(lambda: list_segments(tmp_path, MARKET)[0].first > 1)
    (tmp_path / "checkpoint-00000000000000000290.tc").unlink()
    with pytest.raises(JournalCorrupt, match="was pruned"):
        recover(tmp_path)


def test_a_second_writer_is_refused(tmp_path, make):
    with make.writing(tmp_path), pytest.raises(JournalLocked, match="another daemon"):
        JournalWriter(tmp_path, make.header)
    JournalWriter(tmp_path, make.header).close()


def test_closing_twice_is_harmless_and_makes_everything_durable(tmp_path, make):
    writer = JournalWriter(tmp_path, make.header)
    for seq in range(1, 50):
        writer.append(make.market(seq))
    writer.close()
    writer.close()
    assert writer.durable_seq == 49


def test_waiting_for_durability(tmp_path, make):
    with make.writing(tmp_path) as writer:
        writer.append(make.market(1))
        assert writer.wait_durable(1)
        assert writer.durable_seq == 1
        assert not writer.wait_durable(2, timeout=0.05)
        writer.append(make.order(2))
        until(lambda: writer.durable_seq == 2)


def test_a_journal_of_a_later_schema_is_refused(tmp_path, make):
    JournalWriter(tmp_path, Header(run="r", schema=99)).close()
    with pytest.raises(JournalTooNew, match="schema 99"):
        list(read_entries(tmp_path))


def test_a_directory_that_does_not_exist_is_an_empty_journal(tmp_path):
    recovery = recover(tmp_path / "none")
    assert (recovery.header, recovery.checkpoint, recovery.next_seq, recovery.reserved) == (None, None, 1, 0)
    assert list(recovery.tail) == []
    assert complete_spans(tmp_path / "none") == []


def test_files_are_private(tmp_path, make):
    make.fill(tmp_path / "run", 5)
    assert (tmp_path / "run").stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "run").iterdir())


CHILD = """
    import sys
    from pathlib import Path
    from tradectl.journal import Header, JournalConfig, JournalWriter
    from tradectl.model.commands import Entry, SetTimer
    from tradectl.model.events import SCHEMA, JournalChecked, TradePrinted
    from tradectl.model.instruments import Category, InstrumentId
    from tradectl.model.orders import Side

    instrument = InstrumentId(Category.SPOT, "BTCUSDT")
    config = JournalConfig(orders_segment=20_000, market_segment=20_000, reserve_space=4096)
    writer = JournalWriter(Path(sys.argv[1]), Header(run="child"), config)
    while True:
        seq = writer.next_seq
        if seq % 4:
            writer.append(Entry(SCHEMA, seq, TradePrinted(seq, seq, instrument, Side.BUY, 1.0, 2.0, str(seq))))
        else:
            writer.append(Entry(SCHEMA, seq, JournalChecked(seq, True), (SetTimer("t", seq),)))
        sys.stdout.write(f"{seq}\\n")
        sys.stdout.flush()
"""


@pytest.mark.parametrize("lines", [1, 500, 3000])
def test_what_append_returned_for_survives_a_kill(tmp_path, make, lines):
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(CHILD), str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=os.getcwd(),
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    ) as child:
        said = 0
        for line in child.stdout:
            said = int(line)
            if said >= lines:
                break
        child.kill()
        rest = child.stdout.read().split("\n")[:-1]
    said = int(rest[-1]) if rest else said
    found = [entry.seq for entry in read_entries(tmp_path)]
    assert found == list(range(1, len(found) + 1))
    assert said <= len(found) <= said + 1
    more = make.fill(tmp_path, 3)
    assert more[0].seq == len(found) + 1
    assert len(list(read_entries(tmp_path))) == len(found) + 3
