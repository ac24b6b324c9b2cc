"""``data list|import|check|repair|export``: what a person sees and a script reads, and the exit codes."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.unit.history.made import HEADER, MINUTES, T0, candles, row, write
from tradectl.history.layout import files_of
from tradectl.history.store import ParquetStore
from tradectl.paths import history_folder

REAL = Path(os.environ.get("TRADECTL_TEST_DATA", ""))
NAME = "bybit_linear_BTCUSDT_1m.csv"


@pytest.fixture
def store(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ParquetStore:
    monkeypatch.setenv("TRADECTL_DATA", str(tmp_path / "history"))
    return ParquetStore(tmp_path / "history")


@pytest.fixture
def holed(tmp_path: Path) -> Path:
    """A file of an hour that lacks three minutes in two gaps."""
    return write(tmp_path / NAME, HEADER, *(row(n) for n in range(60) if n not in (7, 8, 30)))


def test_an_import_is_told_and_listed(store: ParquetStore, holed: Path, run: Any) -> None:
    ran = run("data", "import", str(holed))
    assert ran.code == 0
    assert "linear:BTCUSDT candles 1m" in ran.out
    assert "category, symbol, kind, interval by its name and rows; times in milliseconds" in ran.out
    assert "3 rows are missing in 2 gaps" in ran.out
    assert "2025-06-01 00:07:00 to before 2025-06-01 00:09:00, 2 rows" in ran.out
    assert "1 file imported into" in ran.out
    listed = run("data")
    assert listed.out == run("data", "list").out
    assert [it.split()[-4:-2] for it in listed.out.splitlines()[1:]] == [["57", "3"]]
    (known,) = json.loads(run("data", "list", "--json").out)["series"]
    assert (known["series"], known["rows"], known["missing"]) == (str(MINUTES), 57, 3)
    assert (known["since"], known["until"]) == ("2025-06-01T00:00:00Z", "2025-06-01T00:59:00Z")


def test_importing_twice_adds_nothing_and_a_dry_run_writes_nothing(store: ParquetStore, holed: Path, run: Any) -> None:
    assert run("data", "import", "--dry-run", str(holed)).code == 0
    assert list(store.series()) == []
    for new, identical in ((57, 0), (0, 57)):
        (told,) = json.loads(run("data", "import", str(holed), "--json").out)["files"]
        assert (told["new"], told["identical"], told["missing"]) == (new, identical, 3)
        assert [gap["rows"] for gap in told["gaps"]] == [2, 1]


def test_a_bad_file_is_told_and_the_others_are_imported(
    store: ParquetStore, holed: Path, tmp_path: Path, run: Any
) -> None:
    bad = write(tmp_path / "linear_ETHUSDT_1m.csv", HEADER, row(0), row(1, close="NaN"), row(2))
    ran = run("data", "import", str(bad), str(holed))
    assert ran.code == 2
    assert f"{bad}, line 3: close NaN is not a finite number" in ran.err
    assert "--repair" in ran.err
    assert "1 of 2 files imported" in ran.out
    assert [str(it) for it in store.series()] == [str(MINUTES)]
    told = json.loads(run("data", "import", str(bad), "--json").out)["files"][0]
    assert (told["line"], told["field"]) == (3, "close")
    mended = run("data", "import", "--repair", str(bad))
    assert mended.code == 0
    assert "repaired: 1 row dropped: close NaN is not a finite number (line 3)" in mended.out


def test_a_contradiction_is_refused_kept_or_replaced(
    store: ParquetStore, holed: Path, tmp_path: Path, run: Any
) -> None:
    run("data", "import", str(holed))
    other = write(tmp_path / "other_linear_BTCUSDT_1m.csv", HEADER, row(0, 50.0), row(1))
    refused = run("data", "import", str(other))
    assert refused.code == 1
    assert "1 rows contradict what is stored" in refused.err
    assert "1 stored rows were kept" in run("data", "import", "--keep", str(other)).out
    assert store.read_all(MINUTES).arrays()[1][0] == 100.0
    assert "1 stored rows were replaced" in run("data", "import", "--replace", str(other)).out
    assert store.read_all(MINUTES).arrays()[1][0] == 50.0


def test_columns_zone_and_shift_reach_the_reader(store: ParquetStore, tmp_path: Path, run: Any) -> None:
    lines = [f"1,2025-06-01 0{n}:30,100,101,99,100" for n in range(3)]
    file = write(tmp_path / "prices.csv", *lines)
    line = f"data import {file} --symbol btcusdt --category spot --kind candles --interval 1h --zone UTC --shift -30m"
    ran = run(*line.split(), "--columns", "volume=0,time=1,open=2,high=3,low=4,close=5")
    assert ran.code == 0, ran.err
    (series,) = store.series()
    assert str(series) == "spot:BTCUSDT candles 1h"
    assert store.read_all(series).times[0] == T0


def test_check_names_every_missing_minute_and_ends_with_1(store: ParquetStore, holed: Path, run: Any) -> None:
    run("data", "import", str(holed))
    ran = run("data", "check", "--symbol", "BTCUSDT")
    assert ran.code == 1
    assert "NOT SOUND" in ran.out
    assert "missing 2025-06-01 00:07:00 to before 2025-06-01 00:09:00, 2 rows" in ran.out
    assert "missing 2025-06-01 00:30:00\n" in ran.out
    (told,) = json.loads(run("data", "check", "--json").out)["series"]
    assert [(gap["since"], gap["rows"]) for gap in told["gaps"]] == [
        ("2025-06-01T00:07:00Z", 2), ("2025-06-01T00:30:00Z", 1),
    ]  # fmt: skip


def test_check_of_sound_data_is_0_unless_it_is_stale(store: ParquetStore, run: Any) -> None:
    store.write(MINUTES, candles(100))
    assert run("data", "check").code == 0
    stale = run("data", "check", "--stale", "2h")
    assert stale.code == 1
    assert "older than allowed" in stale.out


def test_repair_fills_what_it_may_and_says_so(store: ParquetStore, holed: Path, run: Any) -> None:
    run("data", "import", str(holed))
    left = run("data", "repair")
    assert left.code == 1
    assert "3 rows are still missing in 2 gaps" in left.out
    filled = run("data", "repair", "--fill", "flat", "--series", str(MINUTES))
    assert filled.code == 0
    assert "2 rows made up flat, volume 0: 2025-06-01 00:07:00 to before 2025-06-01 00:09:00" in filled.out
    checked = run("data", "check")
    assert checked.code == 0
    assert "3 rows were made by a repair (flat)" in checked.out
    assert "nothing to repair" in run("data", "repair").out


def test_damage_is_listed_checked_and_put_aside(store: ParquetStore, run: Any) -> None:
    store.write(MINUTES, candles(10))
    (path,) = files_of(store.folder, MINUTES).values()
    path.write_bytes(b"nonsense")
    assert f"{path} is damaged" in run("data", "list").out
    checked = run("data", "check")
    assert (checked.code, "2025-06.parquet is damaged" in checked.out) == (1, True)
    assert "put aside as damaged" in run("data", "repair").out
    assert not path.exists()


def test_export_writes_asks_before_replacing_and_imports_again(store: ParquetStore, tmp_path: Path, run: Any) -> None:
    store.write(MINUTES, candles(100))
    target = tmp_path / "out_linear_BTCUSDT_1m.csv.gz"
    assert "100 rows of linear:BTCUSDT candles 1m written" in run("data", "export", str(MINUTES), str(target)).out
    assert run("data", "export", "linear:BTCUSDT/1m", str(target)).code == 2  # nobody can be asked
    assert run("data", "export", str(MINUTES), str(target), "--until", "2025-06-01T00:10", "--yes").code == 0
    (told,) = json.loads(run("data", "import", str(target), "--json").out)["files"]
    assert (told["rows"], told["identical"]) == (10, 10)


@pytest.mark.parametrize(
    "line",
    [
        "data export nonsense x.csv",
        "data export linear:BTCUSDT x.csv",
        "data export linear:BTCUSDT/funding/1m x.csv",
        "data export linear:BTCUSDT/1m x.csv --since 2025-06-02 --until 2025-06-01",
        "data import x.csv --keep --replace",
        "data import x.csv --columns time",
        "data import x.csv --shift soon",
        "data check --symbol NOSUCH",
        "data import",
        "data import --kind books x.csv",
    ],
)
def test_a_wrong_line_is_2(store: ParquetStore, run: Any, line: str) -> None:
    ran = run(*line.split())
    assert ran.code == 2
    assert ran.err


def test_an_empty_store_says_how_to_begin(store: ParquetStore, run: Any) -> None:
    ran = run("data")
    assert ran.code == 0
    assert "data import and download" in ran.out


def test_the_folder_is_shared_by_profiles_and_can_be_named(tmp_path: Path) -> None:
    assert history_folder("", {"TRADECTL_DATA": "/a"}) == "/a"
    assert history_folder("/b", {"TRADECTL_DATA": "/a"}) == "/b"
    assert history_folder("", {"XDG_DATA_HOME": "/c"}) == "/c/tradectl"
    assert history_folder("", {}) == str(Path.home() / ".local" / "share" / "tradectl")


@pytest.mark.skipif(not (REAL / "candles").is_dir(), reason="TRADECTL_TEST_DATA names no folder; the twins run")
def test_real_files_import_as_they_are(store: ParquetStore, run: Any) -> None:
    """All of them are read in the tests of the reader; here a few go through the whole command."""
    name = "bybit_linear_BTCUSDT_1m_with_gaps_2025-06.csv.gz"
    ran = run("data", "import", str(REAL / "candles" / name), str(REAL / "funding"), "--json")
    assert (ran.code, ran.err) == (0, "")
    files = {Path(it["file"]).name: it for it in json.loads(ran.out)["files"]}
    assert len(files) == 5
    assert [gap["rows"] for gap in files[name]["gaps"]] == [1] * 42
    assert all(it["new"] + it["identical"] == it["rows"] for it in files.values())
    checked = json.loads(run("data", "check", "--json").out)["series"]
    assert {it["series"]: it["missing"] for it in checked} == {
        "linear:BTCUSDT candles 1m": 42, "linear:BTCUSDT funding": 0, "linear:ETHUSDT funding": 0,
    }  # fmt: skip
