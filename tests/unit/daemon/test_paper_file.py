"""The paper account on disk survives a kill at any byte, a full disk, and being written anew."""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.unit.simulation.paper_bench import TERMS, book, order, ticker, trade, venue
from tradectl.daemon.paper_file import MAGIC, PaperFile
from tradectl.model.errors import Problem
from tradectl.model.events import Event
from tradectl.model.money import use_exact_context
from tradectl.simulation.paper_past import Chapter
from tradectl.simulation.paper_venue import PaperVenue

use_exact_context()
WEEK = 7 * 86_400_000_000_000


def written(path: Path, changes: int = 4, room: int = 1 << 20) -> tuple[PaperFile, PaperVenue, list[int]]:
    """A file with a record for each order; where each record ends."""
    file, v, ends = PaperFile(path, room), venue(), []
    for number in range(changes):
        chapter = Chapter.of(v.carry_out(order("0.1", link=f"o{number}")))
        file.write(v.save(), chapter, v.past)
        ends.append(path.stat().st_size)
    return file, v, ends


def test_what_was_written_is_found_again(tmp_path: Path) -> None:
    path = tmp_path / "state" / "paper.account"
    file, v, _ = written(path)
    file.sync()
    file.close()
    again = PaperFile(path)
    assert again.saved == v.save()
    assert again.past == v.past
    assert again.venue(TERMS).truth(0) == v.truth(0)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_new_account_is_named_by_chance_and_keeps_its_name(tmp_path: Path) -> None:
    names = {PaperFile(tmp_path / str(n)).venue(TERMS).uid for n in range(5)}
    assert len(names) == 5
    assert all(name.startswith("paper-") for name in names)


def test_a_record_cut_at_any_byte_is_cut_off_and_the_one_before_holds(tmp_path: Path) -> None:
    path = tmp_path / "paper.account"
    file, _, ends = written(path, 2)
    file.close()
    whole = path.read_bytes()
    for size in [*range(len(MAGIC) + 30), *range(ends[0] - 20, ends[0] + 20), len(whole) - 1, len(whole)]:
        path.write_bytes(whole[:size])
        cut = PaperFile(path)
        whole_records = sum(size >= end for end in ends)
        assert [it.link_id for it in cut.past.executions] == ["o0", "o1"][:whole_records]
        assert (cut.saved is not None) == bool(whole_records)
        assert path.stat().st_size <= size
        cut.write(venue().save(), Chapter(), venue().past)  # and it goes on from there
        cut.close()
        assert PaperFile(path).saved == venue().save()


def test_a_flipped_bit_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "paper.account"
    file, _, ends = written(path, 2)
    file.close()
    data = bytearray(path.read_bytes())
    data[ends[0] + 40] ^= 1
    path.write_bytes(data)
    assert [it.link_id for it in PaperFile(path).past.executions] == ["o0"]


def test_a_foreign_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "paper.account"
    path.write_bytes(b"something else altogether")
    with pytest.raises(Problem, match="no paper account"):
        PaperFile(path)
    assert path.read_bytes() == b"something else altogether"


def test_an_exchange_of_another_version_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "paper.account"
    file, v, _ = written(path, 1)
    saved = v.save()
    file.write(type(saved)(saved.uid, saved.now, b"\x91\x63", saved.announced), Chapter(), v.past)
    file.close()
    with pytest.raises(Problem, match="no paper account") as raised:
        PaperFile(path).venue(TERMS)
    assert "version" in raised.value.reason


def test_a_file_that_grew_is_written_anew_with_what_is_remembered(tmp_path: Path) -> None:
    path = tmp_path / "paper.account"
    file, v = PaperFile(path, room=20_000), venue()
    events: list[Event] = []
    for number in range(60):
        v.hear(trade(number * WEEK // 40, 100.0, 0.1))
        v.hear(book(number * WEEK // 40, [(100.0, 9.0)], [(100.1, 9.0)]))
        events = v.carry_out(order("0.1", link=f"o{number}"))
        file.write(v.save(), Chapter.of(events), v.past)
        file.sync()
    assert path.stat().st_size < 45_000
    file.close()
    again = PaperFile(path)
    assert again.saved == v.save()
    links = [it.link_id for it in again.past.executions]
    assert links[-40:] == [f"o{n}" for n in range(20, 60)], "a week is remembered"
    assert "o0" not in links
    assert not list(tmp_path.glob("*.tmp"))


def test_a_disk_that_is_full_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "paper.account"
    file, v, _ = written(path, 1)
    pwrite = os.pwrite

    def half(fd: int, data: Any, offset: int) -> int:
        if len(data) < 100:
            raise OSError(28, "No space left on device")
        return pwrite(fd, bytes(data)[: len(data) // 2], offset)

    events = v.carry_out(order("0.1", link="late"))
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", half)
        with pytest.raises(OSError, match="No space"):
            file.write(v.save(), Chapter.of(events), v.past)
    assert "late" not in [it.link_id for it in PaperFile(path).past.executions]
    file.write(v.save(), Chapter.of(events), v.past)
    file.close()
    again = PaperFile(path)
    assert [it.link_id for it in again.past.executions] == ["o0", "late"]
    assert again.saved == v.save()


def test_announced_funding_is_kept(tmp_path: Path) -> None:
    file, v = PaperFile(tmp_path / "paper.account"), venue()
    v.hear(ticker(1, 100.0, 101.0, 0.001, WEEK))
    file.write(v.save(), Chapter(), v.past)
    file.close()
    saved = PaperFile(tmp_path / "paper.account").saved
    assert saved is not None
    assert [it.funding_rate for it in saved.announced.values()] == [0.001]
