"""``runs``: listing, showing, comparing, exporting and removing kept runs."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.unit.backtest.made_result import START, made_result
from tradectl.backtest.job import BacktestResult
from tradectl.backtest.report.document import decode, from_document, to_document
from tradectl.backtest.runs import Catalogue
from tradectl.model.money import use_exact_context
from tradectl.paths import Paths
from tradectl.performance.round_trips import round_trips


@pytest.fixture
def kept(home: Path) -> Catalogue:
    use_exact_context()
    return Catalogue(Paths(str(home)).research)


def with_params(result: BacktestResult, **params: Any) -> BacktestResult:
    one = msgspec.structs.replace(result.job.strategies[0], params={**result.job.strategies[0].params, **params})
    return msgspec.structs.replace(result, job=msgspec.structs.replace(result.job, strategies=(one,)))


def test_nothing_kept_is_an_empty_list(run: Any, home: Path) -> None:
    assert run("runs").out == "no runs\n"
    assert json.loads(run("runs", "--json").out) == {"runs": [], "more": 0, "damaged": []}


def test_the_list_is_newest_first_and_filtered(run: Any, kept: Catalogue) -> None:
    old = kept.add(made_result(hours=100), made=START)
    new = kept.add(made_result(hours=100, names=("fade",)), made=START + 10**12)
    other = kept.add_document("optimize", {"strategies": []}, made=START + 2 * 10**12)
    lines = run("runs").out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == [other, new, old]
    assert "2023-11-29 to 2023-12-03" in lines[3]
    assert [it["id"] for it in json.loads(run("runs", "list", "--kind", "backtest", "--json").out)["runs"]] == [
        new,
        old,
    ]
    assert [it["id"] for it in json.loads(run("runs", "list", "--strategy", "fade", "--json").out)["runs"]] == [new]
    assert "2 more: --limit" in run("runs", "list", "--limit", "1").out


def test_a_damaged_run_is_named_in_the_list(run: Any, kept: Catalogue, home: Path) -> None:
    good = kept.add(made_result(hours=50))
    (home / "research" / "20200101-000000-abc").mkdir()
    ran = run("runs")
    assert ran.code == 0
    assert good in ran.out
    assert "damaged: run 20200101-000000-abc is damaged: run.json: No such file" in ran.out


def test_show_prints_the_figures_of_the_run(run: Any, kept: Catalogue) -> None:
    result = made_result(seed=5, hours=400)
    id = kept.add(result)
    assert "max drawdown" in run("runs", "show", id).out
    assert run("runs", "show", "latest").out == run("run", "show", id).out
    data = json.loads(run("runs", "show", id, "--json").out, parse_float=str)
    assert data["id"] == id
    assert data["final_equity"] == f"{result.final_equity.normalize():f}"
    assert data["made"].endswith("Z")


def test_another_kind_is_shown_as_it_is(run: Any, kept: Catalogue) -> None:
    id = kept.add_document("optimize", {"strategies": [], "best": {"sharpe": 1.25}, "trials": [{"n": 1}, {"n": 2}]})
    text = run("runs", "show", id).out
    assert "sharpe: 1.25" in text
    assert "trials: 2 rows" in text
    ran = run("runs", "export", id, "--html")
    assert ran.code == 1
    assert "has no result" in ran.err


def test_compare_says_what_differs_and_whether_data_and_code_do(run: Any, kept: Catalogue) -> None:
    first = made_result(seed=5, hours=300)
    second = with_params(msgspec.structs.replace(first, data_fingerprint="0" * 64), fast=20)
    ids = [kept.add(first, made=START), kept.add(second, made=START + 10**12)]
    text = run("runs", "compare", *ids).out
    assert "different data, the same code" in text
    different = text.partition("DIFFERENT")[2]
    assert different.splitlines()[1].split() == ["fast", "12", "20"]
    assert "slow" not in different
    data = json.loads(run("runs", "compare", *ids, "--json").out)
    assert {it["setting"] for it in data["different"]} == {"fast", "data"}
    assert (data["same_data"], data["same_code"]) == (False, True)
    assert run("runs", "compare", ids[0]).code == 2


def test_instances_that_agree_are_compared_as_one(run: Any, kept: Catalogue) -> None:
    one, two = made_result(seed=5, hours=100), made_result(seed=5, hours=100, names=("trend", "fade"))
    data = json.loads(run("runs", "compare", kept.add(one), kept.add(two, made=START), "--json").out)
    assert data["different"] == []
    other = with_params(one, fast=3).job.strategies
    mixed = msgspec.structs.replace(
        two, job=msgspec.structs.replace(two.job, strategies=(*other, two.job.strategies[1]))
    )
    data = json.loads(run("runs", "compare", kept.add(one), kept.add(mixed, made=START), "--json").out)
    assert data["different"] == [{"setting": "fast", "values": [12, "3, 12"]}]


def test_export_writes_each_format(run: Any, kept: Catalogue, tmp_path: Path) -> None:
    result = made_result(seed=5, hours=300)
    id = kept.add(result)
    page, table, whole = tmp_path / "r.html", tmp_path / "r.csv", tmp_path / "r.json"
    assert run("runs", "export", id, "--html", str(page)).code == 0
    assert page.read_text().startswith("<!doctype html>")
    assert run("runs", "export", id, str(table)).code == 0
    rows = list(csv.DictReader(io.StringIO(table.read_text())))
    assert [row["pnl"] for row in rows] == [f"{it.pnl.normalize():f}" for it in round_trips(result.fills, True)]
    assert rows[0]["began"].endswith("+00:00")
    assert run("runs", "export", id, "--json", str(whole)).code == 0
    assert to_document(from_document(decode(whole.read_bytes()))) == to_document(result)


def test_export_without_a_file_is_named_after_the_run(
    run: Any, kept: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = kept.add(made_result(seed=5, hours=300))
    monkeypatch.chdir(tmp_path)
    ran = run("runs", "export", "--html", "--hide-amounts")
    assert ran.code == 0, ran.err
    assert "start = 100" in (tmp_path / f"{id}.html").read_text()
    assert run("runs", "export", "mine.html").code == 0
    assert "Starting cash" in (tmp_path / "mine.html").read_text()


def test_hidden_amounts_are_in_no_table_and_no_document(run: Any, kept: Catalogue, tmp_path: Path) -> None:
    id = kept.add(made_result(seed=5, hours=300))
    table = tmp_path / "r.csv"
    assert run("runs", "export", id, "--csv", "--hide-amounts", str(table)).code == 0
    head = table.read_text().splitlines()[0]
    assert head == "strategy,category,symbol,side,began,ended,fills,return,share"
    assert run("runs", "export", id, "--json", "--hide-amounts", str(tmp_path / "x.json")).code == 2
    assert not (tmp_path / "x.json").exists()


@pytest.mark.parametrize(
    "words", [("x",), ("x", "f.txt"), ("x", "--html", "--csv"), ("x", "--html", "/nowhere/f.html")]
)
def test_what_cannot_be_exported_is_told(run: Any, kept: Catalogue, words: tuple[str, ...]) -> None:
    id = kept.add(made_result(seed=5, hours=50))
    assert run("runs", "export", id, *words[1:]).code == 2


def test_remove_asks_and_forgets(run: Any, kept: Catalogue, home: Path) -> None:
    id = kept.add(made_result(hours=50))
    assert run("runs", "remove", id).code == 2  # nobody can be asked here
    assert kept.find(id) == id
    assert run("runs", "remove", id, "--yes").code == 0
    assert kept.all() == ([], [])
    assert run("runs", "show", id).code == 1


def test_recorded_runs_stand_beside_them_and_cannot_be_removed(run: Any, kept: Catalogue, home: Path) -> None:
    id = kept.add(made_result(hours=50))
    (home / "journal" / "0abc1234").mkdir(parents=True)
    rows = json.loads(run("runs", "--json").out)["runs"]
    assert {it["id"] for it in rows} == {id, "0abc1234"}
    ran = run("runs", "remove", "0abc1234", "--yes")
    assert ran.code == 2
    assert "journal is not removed" in ran.err
    assert (home / "journal" / "0abc1234").is_dir()
