"""A recorded run is shown, compared and exported like a backtest, from its journal alone."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.backtest.made_result import made_result
from tests.unit.engine.recorded import CLASSES, record
from tradectl.backtest.runs import Catalogue
from tradectl.daemon import replaying
from tradectl.daemon.state_directory import RunConfig, StateDirectory, code_fingerprint
from tradectl.journal import Header, JournalConfig, JournalWriter
from tradectl.model.commands import Entry, ExecutionBooked
from tradectl.model.events import SCHEMA
from tradectl.model.money import use_exact_context
from tradectl.paths import Paths
from tradectl.strategies import loader


@pytest.fixture
def recorded(home: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, int]:
    """A journal on disk: its run's id and how many executions were booked."""
    use_exact_context()
    monkeypatch.setattr(replaying.strategy_loader, "load_known", lambda configs, folder: dict(CLASSES))
    bench = record(5, 60)
    directory = StateDirectory(str(home))
    run = directory.bind("sandbox").run
    journal = JournalWriter(directory.journal(run), Header(run=run), JournalConfig(reserve_space=4096))
    for seq, (event, commands) in enumerate(zip(bench.events, bench.answers, strict=True), 1):
        journal.append(Entry(SCHEMA, seq, event, commands))
    journal.close()
    directory.note_config(run, RunConfig(0, bench.config, code_fingerprint(), loader.fingerprint(dict(CLASSES))))
    return run, sum(isinstance(it, ExecutionBooked) for commands in bench.answers for it in commands)


def test_it_stands_in_the_list_with_its_mode_and_strategies(run: Any, recorded: tuple[str, int]) -> None:
    (row,) = json.loads(run("runs", "--json").out)["runs"]
    assert (row["id"], row["kind"], row["code"]) == (recorded[0], "sandbox", code_fingerprint())
    assert row["strategies"]


def test_it_is_shown_compared_and_exported(run: Any, recorded: tuple[str, int], home: Path, tmp_path: Path) -> None:
    id, executions = recorded
    assert executions > 3
    assert "nothing is simulated" in run("runs", "show", id).out
    other = Catalogue(Paths(str(home)).research).add(made_result(hours=50))
    assert "different data, different code" in run("runs", "compare", id, other).out
    page = tmp_path / "r.html"
    ran = run("runs", "export", id, "--html", "--hide-amounts", str(page))
    assert ran.code == 0, ran.err
    text = page.read_text()
    assert "Recorded run, sandbox" in text
    assert "A simulation on past prices" not in text
    table = tmp_path / "r.csv"
    assert run("runs", "export", id, str(table)).code == 0
    fills = sum(int(row["fills"]) for row in csv.DictReader(table.open()))
    assert 0 < fills <= 2 * executions
