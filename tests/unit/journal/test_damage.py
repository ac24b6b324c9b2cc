"""Torn tails, bit flips, lost files and power cuts: cut cleanly or reported, never silently skipped."""

import os
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tradectl.journal import JournalConfig, JournalCorrupt, JournalWriter, follow, read_entries, recover
from tradectl.journal.codec import read_record
from tradectl.journal.segments import MARKET, ORDERS, list_segments, open_segment, records

SMALL = JournalConfig(orders_segment=2000, market_segment=2000, reserve_space=4096)


def last_record_start(path, family):
    segment = open_segment(list_segments(path, family)[-1])
    offset, starts = segment.begin, []
    for record in records(segment, newest=True):
        starts.append(offset)
        offset = record.end
    return starts[-1]


@pytest.mark.parametrize("family", [ORDERS, MARKET])
def test_a_tail_torn_at_any_byte_is_cut_cleanly(tmp_path, make, family):
    good = tmp_path / "good"
    last = make.order if family == ORDERS else make.market
    written = [*make.fill(good, 6), *make.fill(good, 1, last)]
    begin = last_record_start(good, family)
    file = list_segments(good, family)[-1].path
    size = file.stat().st_size
    for length in range(begin, size):
        torn = tmp_path / "torn"
        shutil.copytree(good, torn)
        os.truncate(torn / file.name, length)
        assert list(read_entries(torn)) == written[:-1]
        assert recover(torn).next_seq == 7
        follower = follow(torn)
        assert follower.poll() == written[:-1]
        with make.writing(torn) as writer:
            assert writer.next_seq == 7
            assert len(writer.cuts) == (0 if length == begin else 1)
            writer.append(make.order(7))
        assert list(read_entries(torn)) == [*written[:-1], make.order(7)]
        assert follower.poll() == [make.order(7)]
        shutil.rmtree(torn)


def test_a_last_record_of_garbage_is_cut(tmp_path, make):
    written = make.fill(tmp_path, 9)
    file = list_segments(tmp_path, ORDERS)[-1].path
    data = bytearray(file.read_bytes())
    data[-3] ^= 0xFF
    file.write_bytes(data)
    assert list(read_entries(tmp_path)) == written[:-1]
    with make.writing(tmp_path) as writer:
        assert [cut.seq for cut in writer.cuts] == [7]
        assert writer.next_seq == 9
    assert list(tmp_path.glob("*.cut"))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 10**9), bit=st.integers(0, 7), family=st.sampled_from([ORDERS, MARKET]))
def test_a_flipped_bit_before_the_last_record_is_reported(tmp_path, make, at, bit, family):
    good = tmp_path / "good"
    if not good.exists():
        make.fill(good, 60)
    bad = tmp_path / "bad"
    shutil.rmtree(bad, ignore_errors=True)
    shutil.copytree(good, bad)
    file = list_segments(bad, family)[-1].path
    data = bytearray(file.read_bytes())
    position = at % last_record_start(bad, family)
    data[position] ^= 1 << bit
    file.write_bytes(data)
    with pytest.raises(JournalCorrupt) as caught:
        list(read_entries(bad))
    assert caught.value.path == file
    assert caught.value.offset <= position
    assert str(file) in str(caught.value)
    assert caught.value.remedy
    before = file.read_bytes()
    with pytest.raises(JournalCorrupt):
        JournalWriter(bad, make.header)
    assert file.read_bytes() == before, "a refused journal must stay as it is"
    with pytest.raises(JournalCorrupt):
        _drain(follow(bad))


def _drain(follower):
    while follower.poll():
        pass
    follower.poll()


def test_damage_in_a_finished_segment_is_reported_even_at_its_end(tmp_path, make):
    make.fill(tmp_path, 200, make.order, SMALL)
    file = list_segments(tmp_path, ORDERS)[1].path
    os.truncate(file, file.stat().st_size - 1)
    with pytest.raises(JournalCorrupt, match="finished segment"):
        list(read_entries(tmp_path))
    with pytest.raises(JournalCorrupt, match="finished segment"):
        _drain(follow(tmp_path))


def test_a_damaged_compressed_segment_is_reported(tmp_path, make):
    make.fill(tmp_path, 300, make.market, SMALL)
    with make.writing(tmp_path, SMALL) as writer:
        writer.append(make.order(301))
        writer.checkpoint(301, b"")
    file = next(file.path for file in list_segments(tmp_path, MARKET) if file.is_compressed)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0x10
    file.write_bytes(data)
    with pytest.raises(JournalCorrupt, match=r"does not unpack|damaged"):
        list(read_entries(tmp_path))


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_lost_order_segment_is_reported(tmp_path, make, index):
    make.fill(tmp_path, 200, make.order, SMALL)
    files = list_segments(tmp_path, ORDERS)
    assert len(files) > 3
    files[index].path.unlink()
    with pytest.raises(JournalCorrupt) as caught:
        list(read_entries(tmp_path))
    assert caught.value.seq == files[index].first


def test_a_lost_market_segment_in_the_middle_is_reported(tmp_path, make):
    make.fill(tmp_path, 200, make.mixed, SMALL)
    list_segments(tmp_path, MARKET)[1].path.unlink()
    with pytest.raises(JournalCorrupt, match=r"missing|in no file"):
        list(read_entries(tmp_path))


def test_a_segment_that_ends_inside_its_header_is_begun_anew(tmp_path, make):
    written = make.fill(tmp_path, 9)
    newest = tmp_path / "market-00000000000000000010.tj"
    newest.write_bytes(b"tradectl jou")
    assert list(read_entries(tmp_path)) == written
    with make.writing(tmp_path) as writer:
        assert [cut.path for cut in writer.cuts] == [newest]
        writer.append(make.market(10))
    assert len(list(read_entries(tmp_path))) == 10


class TestPowerCut:
    """One family's last pages are lost while the other's are there."""

    @pytest.fixture
    def torn(self, tmp_path, make, monkeypatch):
        """Entries 1-10 durable, then 11-19 written but not flushed; the market records of 14 and 16-17 are lost."""
        writer = JournalWriter(tmp_path, make.header)
        for seq in range(1, 11):
            writer.append(make.mixed(seq))
        assert writer.wait_durable(10)
        monkeypatch.setattr(os, "fdatasync", lambda fd: (_ for _ in ()).throw(OSError(5, "power is off")))
        for seq in range(11, 20):
            if writer.failure:
                writer._committer.failure = None
            writer.append(make.mixed(seq))
        monkeypatch.undo()
        writer._committer.failure = OSError(5, "power is off")
        with pytest.raises(Exception, match="power is off"):
            writer.close()
        return tmp_path

    def test_entries_behind_the_hole_are_set_aside(self, torn, make):
        file = list_segments(torn, MARKET)[-1]
        cut_after(file, 13)
        assert [entry.seq for entry in read_entries(torn)] == list(range(1, 14))
        recovery = recover(torn)
        assert recovery.next_seq == 14
        assert [cut.seq for cut in recovery.cuts] == [15]
        with make.writing(torn) as writer:
            assert writer.next_seq == 14
            assert "power cut" in writer.cuts[0].reason
        assert b"link-15" in next(torn.glob("*.cut")).read_bytes()
        assert len(make.fill(torn, 4)) == 4
        assert [entry.seq for entry in read_entries(torn)] == list(range(1, 18))

    def test_a_hole_among_durable_entries_is_corruption(self, torn, make):
        cut_after(list_segments(torn, MARKET)[-1], 5)
        with pytest.raises(JournalCorrupt, match="durable"):
            list(read_entries(torn))
        with pytest.raises(JournalCorrupt, match="durable"):
            JournalWriter(torn, make.header)


def cut_after(file, seq):
    """Drop the records behind ``seq``, as if their pages had never reached the disk."""
    segment = open_segment(file)
    end = segment.begin
    for record in records(segment, newest=True):
        if record.seq > seq:
            break
        end = record.end
    os.truncate(file.path, end)


def test_a_record_inside_a_payload_is_not_mistaken_for_one(tmp_path, make):
    """A torn record that carries the bytes of a whole one in its text is still just a torn record."""
    make.fill(tmp_path, 2, make.order)
    file = list_segments(tmp_path, ORDERS)[-1].path
    segment = open_segment(list_segments(tmp_path, ORDERS)[-1])
    assert read_record(segment.data, segment.begin) is not None
    with file.open("ab") as stream:
        stream.write(b"\x9dTJ\n" * 20)
    assert [entry.seq for entry in read_entries(tmp_path)] == [1, 2]
