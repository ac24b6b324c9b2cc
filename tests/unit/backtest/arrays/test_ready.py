"""Where compiled kernels are kept: by their sources, and not for ever."""

import os
from pathlib import Path

import pytest

from tradectl.backtest.arrays import ready

NOW = 1_800_000_000.0


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(ready.FOLDER, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "tradectl" / "compiled"


def used(folder: Path, at: float) -> Path:
    (folder / "inside").mkdir(parents=True)
    os.utime(folder, (at, at))
    return folder


def test_kernels_of_sources_nobody_used_for_long_are_removed(kept: Path) -> None:
    old, recent = used(kept / ("0" * 12), NOW - ready.KEPT - 1), used(kept / ("1" * 12), NOW - ready.KEPT + 1)
    strange = used(kept / "somebody-elses", NOW - 10 * ready.KEPT)
    ready.use(NOW)
    assert not old.exists()
    assert recent.exists()
    assert strange.exists()
    assert ready.folder().stat().st_mtime == NOW


def test_those_in_use_stay_however_old_they_are(kept: Path) -> None:
    own = used(ready.folder(), NOW - 2 * ready.KEPT)
    ready.use(NOW)
    assert (own / "inside").exists()
    assert own.stat().st_mtime == NOW


def test_a_folder_the_user_names_is_left_alone(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = tmp_path / "mine" / ("a" * 12)
    other = used(tmp_path / "mine" / ("b" * 12), NOW - 2 * ready.KEPT)
    monkeypatch.setenv(ready.FOLDER, str(named))
    ready.use(NOW)
    assert other.exists()
    assert not named.exists()


def test_a_place_that_cannot_be_written_is_no_trouble(kept: Path) -> None:
    kept.parent.mkdir(parents=True)
    kept.write_text("a file where the folder would be")
    ready.use(NOW)
    assert kept.is_file()
