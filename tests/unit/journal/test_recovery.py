"""Checkpoints, reserved ids and what a restart is given."""

import pytest

from tradectl.journal import JournalCorrupt, JournalWriter, recover
from tradectl.journal.checkpoints import list_checkpoints


def test_the_newest_checkpoint_and_the_tail_behind_it(tmp_path, make):
    with make.writing(tmp_path) as writer:
        for seq in range(1, 31):
            writer.append(make.mixed(seq))
            if seq % 10 == 0:
                writer.checkpoint(seq, b"state %d" % seq)
        writer.append(make.mixed(31))
    recovery = recover(tmp_path)
    assert (recovery.checkpoint.seq, recovery.checkpoint.state) == (30, b"state 30")
    assert [entry.seq for entry in recovery.tail] == [31]
    assert recovery.next_seq == 32


def test_three_checkpoints_are_kept(tmp_path, make):
    with make.writing(tmp_path) as writer:
        for seq in range(1, 8):
            writer.append(make.order(seq))
            writer.checkpoint(seq, b"x")
    assert [seq for seq, _ in list_checkpoints(tmp_path)] == [7, 6, 5]


@pytest.mark.parametrize("damage", ["flip", "truncate", "empty"])
def test_a_damaged_checkpoint_falls_back_to_the_one_before(tmp_path, make, damage):
    with make.writing(tmp_path) as writer:
        for seq in range(1, 7):
            writer.append(make.order(seq))
            writer.checkpoint(seq, b"state %d" % seq)
    newest = list_checkpoints(tmp_path)[0][1]
    data = newest.read_bytes()
    changed = {"flip": data[:-2] + bytes([data[-2] ^ 1]) + data[-1:], "truncate": data[:-1], "empty": b""}[damage]
    newest.write_bytes(changed)
    recovery = recover(tmp_path)
    assert recovery.checkpoint.state == b"state 5"
    assert recovery.passed_over == (newest,)
    assert [entry.seq for entry in recovery.tail] == [6]


def test_every_byte_of_a_checkpoint_is_checked(tmp_path, make):
    with make.writing(tmp_path) as writer:
        writer.append(make.order(1))
        writer.checkpoint(1, b"abc")
    path = list_checkpoints(tmp_path)[0][1]
    data = path.read_bytes()
    for at in range(len(data)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :])
        assert recover(tmp_path).checkpoint is None, at


def test_a_checkpoint_waits_for_its_entry(tmp_path, make):
    with make.writing(tmp_path) as writer:
        writer.append(make.market(1))
        writer.checkpoint(1, b"x")
        assert writer.durable_seq >= 1


def test_reserved_ids_survive_and_never_fall(tmp_path, make):
    with make.writing(tmp_path) as writer:
        assert writer.reserved == 0
        writer.reserve(1000)
        writer.reserve(500)
        assert writer.reserved == 1000
    assert recover(tmp_path).reserved == 1000
    with make.writing(tmp_path) as writer:
        assert writer.reserved == 1000


def test_a_damaged_mark_of_reserved_ids_is_reported(tmp_path, make):
    with make.writing(tmp_path) as writer:
        writer.reserve(1000)
    text = (tmp_path / "reserved").read_bytes()
    (tmp_path / "reserved").write_bytes(b"9" + text[1:])
    with pytest.raises(JournalCorrupt, match="reserved"):
        recover(tmp_path)
    with pytest.raises(JournalCorrupt, match="reserved"):
        JournalWriter(tmp_path, make.header)
