"""Which journal a run is in, under which configurations it was made, and its replay: what ``tradectl replay`` calls."""

from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from tradectl.backtest.replay import Chapter, ReplayReport, replay
from tradectl.daemon.state_directory import StateDirectory, code_fingerprint, read_configs
from tradectl.journal import complete_spans, read_entries
from tradectl.model.errors import ErrorCode, Problem
from tradectl.strategies import loader as strategy_loader


class Replayed(Struct, frozen=True):
    """A replay and what it was compared under: ``changed`` names what is no longer as it was recorded, ``older`` of
    which records that is true."""

    run: str
    report: ReplayReport
    changed: tuple[str, ...]
    older: tuple[str, ...] = ()


def replay_run(
    state: str, run: str, folder: Path | None, progress: Callable[[int], None] = lambda seq: None
) -> Replayed:
    """Replay ``run`` (empty: the newest) of a state directory. Raises ``Problem``."""
    directory = _directory(StateDirectory(state), run)
    spans = complete_spans(directory)
    if not spans or spans[0].first != 1:
        first = spans[0].first if spans else 0
        raise Problem(
            ErrorCode.NOT_FOUND,
            f"the market data of {directory.name} is complete only from entry {first}",
            field="run",
            reason="older market segments were pruned to the disk budget",
            remedy="raise journal.market_budget",
        )
    chapters: list[Chapter] = []
    changed: list[str] = []
    older: list[str] = []
    code = code_fingerprint()
    configs = read_configs(directory)
    ends = [str(following.after) for following in configs[1:]] + ["the end"]
    for known, end in zip(configs, ends, strict=True):
        classes = strategy_loader.load_known(known.config.strategies, folder)
        other = ["the engine's code"] if known.code != code else []
        if known.strategies != strategy_loader.fingerprint(classes):
            other.append("the strategies' code")
        if other:
            older.append(f"records {known.after + 1} to {end}: {', '.join(other)}")
        changed += other
        chapters.append(Chapter(known.after, known.config, classes))
    try:
        report = replay(read_entries(directory), chapters, progress)
    except ValueError as error:
        raise Problem(ErrorCode.INTERNAL, str(error), field="run", remedy="restore the journal from a backup") from None
    return Replayed(directory.name, report, tuple(dict.fromkeys(changed)), tuple(older))


def _directory(state: StateDirectory, run: str) -> Path:
    if not run:
        binding = state.binding()
        run = binding.run if binding is not None else ""
    directory = state.journal(run)
    if not run or not directory.is_dir():
        known = sorted(p.name for p in (state.path / "journal").glob("*")) if (state.path / "journal").is_dir() else []
        raise Problem(
            ErrorCode.NOT_FOUND, f"there is no run {run!r} in {state.path}", field="run", reason="unknown run",
            remedy=f"one of: {', '.join(known)}" if known else "start the daemon first",
        )  # fmt: skip
    return directory
