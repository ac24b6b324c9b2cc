"""Recorded stretches of trading among the runs: found by their journals, read whole only when one is asked for."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradectl.cli.screen import Screen

if TYPE_CHECKING:
    from tradectl.backtest.job import BacktestResult


def recorded_rows(journal: str) -> list[dict[str, Any]]:
    """A line for each recorded run. ``made`` is when its oldest file was last written; figures need the whole journal
    and are left to ``runs show``."""
    folder = Path(journal)
    return [_row(it) for it in sorted(folder.iterdir()) if it.is_dir()] if folder.is_dir() else []


def _row(directory: Path) -> dict[str, Any]:
    from tradectl.daemon.state_directory import read_configs
    from tradectl.model.errors import Problem

    try:
        configs = read_configs(directory)
    except Problem:
        configs = []
    last = configs[-1] if configs else None
    strategies = last.config.strategies if last else ()
    times = [it.stat().st_mtime_ns for it in directory.iterdir()] or [directory.stat().st_mtime_ns]
    return {
        "id": directory.name, "kind": last.config.mode if last else "unknown", "made": min(times),
        "strategies": list(dict.fromkeys(name for it in strategies for name in (it.name, it.class_ or it.name))),
        "instruments": [], "interval": "", "since": min(times), "until": max(times), "total_return": None,
        "sharpe": None, "max_drawdown": None, "trades": None, "data_fingerprint": "", "code": last.code if last else "",
    }  # fmt: skip


def recorded_result(screen: Screen, run: str) -> "tuple[BacktestResult, str]":
    """A recorded run as a result, and in words what it is: its fills, orders and equity as they were."""
    from tradectl.backtest.recorded_result import result_of
    from tradectl.cli.quick import paths_of
    from tradectl.cli.strategies import folder_of
    from tradectl.daemon.recorded_runs import code_of, recorded_run

    state = paths_of(screen.options).state
    _, folder = folder_of(screen)
    recorded, _ = recorded_run(state, run, folder if folder.is_dir() else None)
    return result_of(recorded, code_of(state, run)), f"Recorded run, {recorded.mode}"
