"""A disk that is full: nothing half written, cancels still recorded, and a way back."""

import errno
import os
import subprocess
from pathlib import Path

import pytest

from tradectl.journal import JournalConfig, JournalFull, JournalWriter, MemoryJournal, read_entries, recover

CONFIG = JournalConfig(reserve_space=256 * 1024)


@pytest.fixture
def small_disk(tmp_path):
    """A disk of one MiB, where we may mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", place], capture_output=True, check=False)
    if made.returncode:
        pytest.skip(f"a small disk needs the right to mount: {made.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


class Disk:
    """Stands in for ``os.pwrite`` and ``os.posix_fallocate`` on a disk with ``room`` bytes left."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, code: int = errno.ENOSPC) -> None:
        self.room: int | None = None
        self._code = code
        self._pwrite = os.pwrite
        self._fallocate = os.posix_fallocate
        self._unlink = Path.unlink
        monkeypatch.setattr(os, "pwrite", self.pwrite)
        monkeypatch.setattr(os, "posix_fallocate", self.fallocate)
        monkeypatch.setattr(Path, "unlink", self._free(self._unlink))

    def _free(self, unlink):
        def freeing(path: Path, missing_ok: bool = False) -> None:
            size = path.stat().st_size if path.exists() else 0
            unlink(path, missing_ok)
            if self.room is not None and path.name == "spare.space":
                self.room += size

        return freeing

    def pwrite(self, fd: int, data: bytes, offset: int) -> int:
        if self.room is None:
            return self._pwrite(fd, data, offset)
        if self.room == 0:
            raise OSError(self._code, os.strerror(self._code))
        taken = min(self.room, len(data))
        self.room -= taken
        return self._pwrite(fd, bytes(data[:taken]), offset)

    def fallocate(self, fd: int, offset: int, size: int) -> None:
        if self.room is not None and size > self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._fallocate(fd, offset, size)


def fill_up(writer: JournalWriter, make) -> int:
    """Append until the disk is full; the sequence that was refused."""
    for seq in range(writer.next_seq, 100_000):
        try:
            writer.append(make.order(seq, 500))
        except JournalFull:
            return seq
    raise AssertionError("the disk did not fill up")


def test_a_full_disk_takes_cancels_from_the_reserve_and_recovers(small_disk, make):
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 300_000)
    writer = JournalWriter(small_disk / "run", make.header, CONFIG)
    refused = fill_up(writer, make)
    assert "No space left" in writer.failure
    with pytest.raises(JournalFull) as caught:
        writer.append(make.order(refused))
    assert "Free space" in caught.value.remedy
    writer.append(make.order(refused, 500), reserve=True)
    for seq in range(refused + 1, refused + 200):
        writer.append(make.order(seq), reserve=True)
    with pytest.raises(JournalFull):
        writer.append(make.order(refused + 200))
    with pytest.raises(JournalFull):
        writer.checkpoint(refused, b"x" * 400_000)
    ballast.unlink()
    writer.restore()
    assert writer.failure == ""
    writer.append(make.order(refused + 200))
    writer.close()
    assert [entry.seq for entry in read_entries(small_disk / "run")] == list(range(1, refused + 201))
    assert recover(small_disk / "run").checkpoint is None


def test_restoring_a_disk_that_is_still_full_says_so(small_disk, make):
    writer = JournalWriter(small_disk / "run", make.header, CONFIG)
    refused = fill_up(writer, make)
    writer.append(make.order(refused), reserve=True)
    for seq in range(refused + 1, 100_000):
        try:
            writer.append(make.order(seq, 3000), reserve=True)
        except JournalFull:
            break
    with pytest.raises(JournalFull):
        writer.restore()
    assert writer.failure
    writer.close()


def test_a_journal_cannot_begin_on_a_full_disk(small_disk, make):
    (small_disk / "ballast").write_bytes(b"x" * 900_000)
    with pytest.raises(JournalFull, match="cannot be written"):
        JournalWriter(small_disk / "run", make.header, CONFIG)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
@pytest.mark.parametrize("room", [0, 1, 27, 28, 100])
def test_a_record_that_only_partly_fits_is_undone(tmp_path, make, monkeypatch, code, room):
    disk = Disk(monkeypatch, code)
    writer = JournalWriter(tmp_path, make.header, CONFIG)
    writer.append(make.order(1))
    disk.room = room
    with pytest.raises(JournalFull) as caught:
        writer.append(make.order(2))
    assert caught.value.error.errno == code
    assert [entry.seq for entry in read_entries(tmp_path)] == [1]
    assert writer.next_seq == 2
    writer.append(make.order(2), reserve=True)
    disk.room = None
    writer.restore()
    writer.append(make.market(3))
    writer.close()
    assert [entry.seq for entry in read_entries(tmp_path)] == [1, 2, 3]


def test_a_record_written_in_pieces_is_whole(tmp_path, make, monkeypatch):
    real = os.pwrite
    writer = JournalWriter(tmp_path, make.header, CONFIG)
    monkeypatch.setattr(os, "pwrite", lambda fd, data, offset: real(fd, bytes(data[:10]), offset))
    writer.append(make.order(1, 300))
    monkeypatch.undo()
    writer.append(make.order(2))
    writer.close()
    assert list(read_entries(tmp_path)) == [make.order(1, 300), make.order(2)]


def test_the_reserve_is_there_again_after_a_restart(tmp_path, make, monkeypatch):
    disk = Disk(monkeypatch)
    writer = JournalWriter(tmp_path, make.header, CONFIG)
    disk.room = 0
    with pytest.raises(JournalFull):
        writer.append(make.order(1))
    writer.append(make.order(1), reserve=True)
    assert not (tmp_path / "spare.space").exists()
    writer.close()
    disk.room = None
    JournalWriter(tmp_path, make.header, CONFIG).close()
    assert (tmp_path / "spare.space").stat().st_blocks * 512 >= CONFIG.reserve_space


def test_a_flush_that_fails_stops_the_journal(tmp_path, make, monkeypatch):
    writer = JournalWriter(tmp_path, make.header, CONFIG)

    def broken(fd: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", broken)
    writer.append(make.order(1))
    with pytest.raises(JournalFull, match="Input/output"):
        writer.wait_durable(1)
    with pytest.raises(JournalFull):
        writer.append(make.order(2))
    writer.append(make.order(2), reserve=True)
    with pytest.raises(JournalFull):
        writer.restore()
    monkeypatch.undo()
    with pytest.raises(JournalFull):
        writer.restore()
    with pytest.raises(JournalFull):
        writer.close()
    assert [entry.seq for entry in read_entries(tmp_path)] == [1, 2]


def test_reserving_ids_on_a_full_disk_is_refused(tmp_path, make, monkeypatch):
    disk = Disk(monkeypatch)
    writer = JournalWriter(tmp_path, make.header, CONFIG)
    writer.reserve(10)
    disk.room = 0
    with pytest.raises(JournalFull):
        writer.reserve(20)
    assert writer.reserved == 10
    disk.room = None
    writer.close()
    assert recover(tmp_path).reserved == 10


def test_the_twin_in_memory_behaves_alike(make):
    journal = MemoryJournal(make.header)
    journal.append(make.order(1))
    journal.full = True
    with pytest.raises(JournalFull):
        journal.append(make.order(2))
    journal.append(make.order(2), reserve=True)
    with pytest.raises(JournalFull):
        journal.restore()
    journal.full = False
    with pytest.raises(JournalFull):
        journal.append(make.order(3))
    journal.restore()
    journal.append(make.order(3))
    journal.reserve(9)
    journal.checkpoint(2, b"s")
    recovery = journal.recover()
    assert (recovery.checkpoint.state, recovery.next_seq, recovery.reserved) == (b"s", 4, 9)
    assert list(recovery.tail) == [make.order(3)]
