"""Kept runs: written whole or not at all, listed newest first, damaged ones named."""

import gzip
import os
from pathlib import Path

import pytest

from tests.unit.backtest.made_result import START, made_result
from tradectl.backtest.report.document import decode
from tradectl.backtest.runs import ABOUT, RESULT, Catalogue
from tradectl.model.errors import ErrorCode, Problem

RESULT_1 = made_result(seed=8, hours=60)


def test_a_kept_result_comes_back_as_it_was(tmp_path: Path) -> None:
    runs = Catalogue(tmp_path / "research")
    id = runs.add(RESULT_1)
    assert runs.result(id) == RESULT_1
    run = runs.run(id)
    assert run.kind == "backtest"
    assert run.summary["final_equity"] == RESULT_1.final_equity
    assert run.summary["data_fingerprint"] == RESULT_1.data_fingerprint
    assert run.strategies == ("trend", "ema_cross")


def test_ids_sort_by_time_and_differ_within_a_second(tmp_path: Path) -> None:
    runs = Catalogue(tmp_path)
    ids = [runs.add_document("backtest", {}, made=START + n // 8 * 10**9) for n in range(40)]
    assert len(set(ids)) == 40
    assert [id[:15] for id in ids] == sorted(id[:15] for id in ids)
    assert [run.id for run in runs.all()[0]] == sorted(ids, reverse=True)


def test_an_id_that_is_taken_is_drawn_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter([5, 5, 6])
    monkeypatch.setattr("tradectl.backtest.runs.secrets.randbits", lambda bits: next(drawn))
    runs = Catalogue(tmp_path)
    first, second = (runs.add_document("backtest", {"n": n}, made=START) for n in (1, 2))
    assert first != second
    assert runs.run(first).summary["n"] == 1


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = Catalogue(tmp_path)

    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Problem, match="No space left"):
        runs.add(RESULT_1)
    assert list(tmp_path.iterdir()) == []
    assert runs.all() == ([], [])


def test_what_a_killed_process_left_half_written_is_no_run(tmp_path: Path) -> None:
    runs = Catalogue(tmp_path)
    id = runs.add(RESULT_1)
    (tmp_path / f".new-{id}x").mkdir()
    assert [run.id for run in runs.all()[0]] == [id]
    assert runs.find("latest") == id


@pytest.mark.parametrize("harm", ["missing", "cut", "nonsense", "foreign"])
def test_a_damaged_run_is_named_and_the_others_are_listed(tmp_path: Path, harm: str) -> None:
    runs = Catalogue(tmp_path)
    good, bad = runs.add(RESULT_1, made=START), runs.add(RESULT_1, made=START + 10**10)
    about = tmp_path / bad / ABOUT
    data = about.read_bytes()
    about.unlink()
    if harm != "missing":
        about.write_bytes({"cut": data[:100], "nonsense": b"\xff\x00", "foreign": b'{"a": 1}'}[harm])
    listed, damaged = runs.all()
    assert [run.id for run in listed] == [good]
    assert [it.id for it in damaged] == [bad]
    runs.remove(bad)
    assert runs.all()[1] == []


def test_a_truncated_result_is_an_error_not_a_shorter_result(tmp_path: Path) -> None:
    runs = Catalogue(tmp_path)
    id = runs.add(RESULT_1)
    path = tmp_path / id / RESULT
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(Problem, match="damaged"):
        runs.result(id)


def test_other_kinds_keep_their_own_files(tmp_path: Path) -> None:
    runs = Catalogue(tmp_path)
    id = runs.add_document("optimize", {"strategies": [], "best": 1.5}, files={"trials.json": b"[1]"})
    assert runs.file(id, "trials.json") == b"[1]"
    with pytest.raises(Problem) as caught:
        runs.result(id)
    assert caught.value.code is ErrorCode.NOT_FOUND


def test_an_id_may_be_shortened_while_it_names_one_run(tmp_path: Path) -> None:
    runs = Catalogue(tmp_path)
    first, second = runs.add_document("backtest", {}, made=START), runs.add_document("backtest", {}, made=2 * START)
    assert runs.find(first[:6]) == first
    assert runs.find("latest") == second
    for text in ("", "9999", "2"):
        with pytest.raises(Problem):
            runs.find(text)


@pytest.mark.parametrize("id", ["../x", "..", ".", "", "a/b", ".new-1"])
def test_no_id_leads_out_of_the_folder(tmp_path: Path, id: str) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "runs" / ".new-1").mkdir(parents=True)
    with pytest.raises(Problem) as caught:
        Catalogue(tmp_path / "runs").remove(id)
    assert caught.value.code is ErrorCode.NOT_FOUND
    assert (tmp_path / "x").is_dir()


def test_runs_are_private(tmp_path: Path) -> None:
    id = Catalogue(tmp_path).add(RESULT_1)
    assert (tmp_path / id).stat().st_mode & 0o077 == 0
    assert (tmp_path / id / RESULT).stat().st_mode & 0o077 == 0
    assert decode(gzip.decompress((tmp_path / id / RESULT).read_bytes()))["version"] == 1
