"""Following a live journal: across rolls, compression, restarts and pruning, each entry once."""

import subprocess
import sys
import time

import pytest

from tradectl.journal import ORDERS, JournalConfig, JournalWriter, follow
from tradectl.journal.segments import MARKET, list_segments

SMALL = JournalConfig(orders_segment=2000, market_segment=2000, reserve_space=4096)


@pytest.mark.parametrize("step", [1, 7, 100])
def test_entries_arrive_in_order_across_rolls(tmp_path, make, step):
    follower = follow(tmp_path / "run")
    assert follower.poll() == []
    got, written = [], []
    with make.writing(tmp_path / "run", SMALL) as writer:
        for seq in range(1, 401):
            written.append(make.mixed(seq))
            writer.append(written[-1])
            if seq % step == 0:
                got += follower.poll()
    while entries := follower.poll():
        got += entries
    assert got == written
    assert follower.last == 400


def test_every_entry_is_visible_at_once(tmp_path, make):
    follower = follow(tmp_path)
    with make.writing(tmp_path, SMALL) as writer:
        for seq in range(1, 200):
            writer.append(make.mixed(seq))
            assert follower.poll() == [make.mixed(seq)]


def test_following_from_the_middle(tmp_path, make):
    written = make.fill(tmp_path, 300, config=SMALL)
    for after in (0, 1, 50, 149, 299, 300):
        follower, got = follow(tmp_path, after), []
        while entries := follower.poll():
            got += entries
        assert got == written[after:]


def test_orders_alone(tmp_path, make):
    written = make.fill(tmp_path, 300, config=SMALL)
    follower, got = follow(tmp_path, 0, (ORDERS,)), []
    while entries := follower.poll(limit=7):
        assert len(entries) <= 7
        got += entries
    assert got == [entry for entry in written if entry.seq % 3 == 0]


def test_a_restarted_writer_is_followed(tmp_path, make):
    follower, got, written = follow(tmp_path), [], []
    for _ in range(6):
        JournalWriter(tmp_path, make.header).close()
        got += follower.poll()
        written += make.fill(tmp_path, 2)
        got += follower.poll()
    assert got == written


def test_pruned_market_data_is_passed_over(tmp_path, make):
    config = JournalConfig(market_segment=2000, market_budget=0, reserve_space=4096)
    with make.writing(tmp_path, config) as writer:
        for seq in range(1, 301):
            writer.append(make.mixed(seq))
        writer.checkpoint(300, b"")
        deadline = time.monotonic() + 10
        while len(list_segments(tmp_path, MARKET)) > 1:
            assert time.monotonic() < deadline
            time.sleep(0.005)
    kept = list_segments(tmp_path, MARKET)[0].first
    follower, got = follow(tmp_path), []
    while entries := follower.poll():
        got += [entry.seq for entry in entries]
    assert got[-1] == 300
    assert set(range(3, 301, 3)) <= set(got)
    assert set(range(kept, 301)) <= set(got)
    assert got == sorted(got)


def test_a_record_longer_than_a_read(tmp_path, make, monkeypatch):
    monkeypatch.setattr("tradectl.journal.follower._CHUNK", 700)
    with make.writing(tmp_path) as writer:
        for seq in range(1, 6):
            writer.append(make.order(seq, size=seq * 2000))
    follower, got = follow(tmp_path), []
    while entries := follower.poll():
        got += [entry.seq for entry in entries]
    assert got == [1, 2, 3, 4, 5]


def test_sync_flushes_what_was_handed_out(tmp_path, make, monkeypatch):
    flushed = []
    with make.writing(tmp_path) as writer:
        for seq in range(1, 10):
            writer.append(make.mixed(seq))
        follower = follow(tmp_path, 0, (ORDERS,))
        assert follower.poll()
        monkeypatch.setattr("os.fdatasync", lambda fd: flushed.append(fd))
        follower.sync()
        assert len(flushed) >= 2


WRITER = """
import sys
from pathlib import Path
from tradectl.journal import Header, JournalConfig, JournalWriter
from tradectl.model.commands import Entry, SetTimer
from tradectl.model.events import SCHEMA, JournalChecked, TradePrinted
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.orders import Side
config = JournalConfig(orders_segment=30_000, market_segment=30_000, reserve_space=4096)
writer = JournalWriter(Path(sys.argv[1]), Header(run="child"), config)
instrument = InstrumentId(Category.SPOT, "BTCUSDT")
for seq in range(1, int(sys.argv[2]) + 1):
    event = TradePrinted(seq, seq, instrument, Side.BUY, 1.0, 2.0, str(seq))
    writer.append(Entry(SCHEMA, seq, event, (SetTimer("t", seq),) if seq % 5 == 0 else ()))
writer.close()
"""


def test_a_journal_written_by_another_process_at_full_speed(tmp_path, monkeypatch):
    follower, got = follow(tmp_path), []
    deadline = time.monotonic() + 30
    with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), "10000"]) as child:
        while len(got) < 10_000:
            assert time.monotonic() < deadline
            got += [entry.seq for entry in follower.poll()]
        assert child.wait(30) == 0
    assert got == list(range(1, 10_001))
