"""One daemon per state directory, bound to mode, account and sandbox."""

from pathlib import Path

import pytest

from tradectl.daemon.state_directory import RunConfig, StateDirectory, read_configs
from tradectl.engine.config import EngineConfig
from tradectl.model.errors import ErrorCode, Problem


def test_a_second_daemon_is_refused_and_told_the_pid(tmp_path: Path) -> None:
    first = StateDirectory(str(tmp_path))
    first.lock()
    with pytest.raises(Problem, match=r"pid \d+") as caught:
        StateDirectory(str(tmp_path)).lock()
    assert caught.value.code is ErrorCode.CONFLICT
    first.release()
    again = StateDirectory(str(tmp_path))
    again.lock()
    again.release()


def test_state_of_another_mode_is_refused(tmp_path: Path) -> None:
    run = StateDirectory(str(tmp_path)).bind("sandbox").run
    assert StateDirectory(str(tmp_path)).bind("sandbox").run == run
    with pytest.raises(Problem, match="made in mode sandbox, not live") as caught:
        StateDirectory(str(tmp_path)).bind("live")
    assert caught.value.meaning.exit_code == 78


def test_a_journal_that_was_moved_away_takes_its_run_id_with_it(tmp_path: Path) -> None:
    state = StateDirectory(str(tmp_path))
    run = state.bind("sandbox").run
    state.journal(run).rename(tmp_path / "moved")
    fresh = state.bind("sandbox").run
    assert fresh != run
    assert state.bind("sandbox").run == fresh


def test_state_of_another_account_or_sandbox_is_refused(tmp_path: Path) -> None:
    state = StateDirectory(str(tmp_path))
    bound = state.bind_account(state.bind("sandbox"), "900100", "abc")
    assert state.bind_account(bound, "900100", "abc") == bound
    with pytest.raises(Problem, match="belongs to account 900100, this is 7"):
        state.bind_account(bound, "7", "")
    with pytest.raises(Problem, match="belongs to sandbox abc, this is xyz"):
        state.bind_account(bound, "", "xyz")


def test_a_damaged_binding_is_reported(tmp_path: Path) -> None:
    (tmp_path / "binding.json").write_text("{")
    with pytest.raises(Problem, match="damaged"):
        StateDirectory(str(tmp_path)).bind("sandbox")


def test_a_run_remembers_its_configurations_where_they_changed(tmp_path: Path) -> None:
    state = StateDirectory(str(tmp_path))
    one = RunConfig(0, EngineConfig(run="r"), "code", "strategies")
    state.note_config("r", one)
    state.note_config("r", RunConfig(10, EngineConfig(run="r"), "code", "strategies"))
    assert read_configs(state.journal("r")) == [one]
    two = RunConfig(20, EngineConfig(run="r", settle_coin="USDC"), "code", "strategies")
    state.note_config("r", two)
    assert read_configs(state.journal("r")) == [one, two]
