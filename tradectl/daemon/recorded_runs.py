"""Recorded runs of a state directory, opened for comparison and reports."""

from pathlib import Path

from tradectl.backtest.recorded import Recorded
from tradectl.daemon.replaying import run_chapters, run_directory
from tradectl.daemon.state_directory import StateDirectory, read_configs
from tradectl.journal import complete_spans, read_entries
from tradectl.model.errors import ErrorCode, Problem


def recorded_run(state: str, run: str, folder: Path | None) -> tuple[Recorded, tuple[str, ...]]:
    """``run`` (empty: the newest) of a state directory, and in words which code is no longer as it was recorded.

    Raises ``Problem`` when there is no such run or it holds nothing.
    """
    directory = run_directory(state, run)
    spans = complete_spans(directory)
    if not spans:
        raise Problem(
            ErrorCode.NOT_FOUND, f"the journal of {directory.name} holds no record", field="run",
            reason="nothing was recorded", remedy="start the daemon and let it run",
        )  # fmt: skip
    known = run_chapters(directory, folder)
    mode = known.chapters[-1].config.mode if known.chapters else ""
    recorded = Recorded(directory.name, mode, lambda: read_entries(directory), known.chapters, spans[0].first)
    return recorded, known.older


def code_of(state: str, run: str) -> str:
    """The fingerprint of the engine that led the run last; empty when nothing says."""
    configs = read_configs(run_directory(state, run))
    return configs[-1].code if configs else ""


def runs_of(state: str) -> list[str]:
    """The ids of the recorded runs of a state directory, the newest first."""
    folder = StateDirectory(state).path / "journal"
    found = [it for it in folder.glob("*") if it.is_dir()] if folder.is_dir() else []
    return [it.name for it in sorted(found, key=lambda it: (-it.stat().st_mtime_ns, it.name))]
