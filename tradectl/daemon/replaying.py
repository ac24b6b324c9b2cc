"""Which journal a run is in, under which configurations it was made, and its replay: what ``tradectl replay`` calls."""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from tradectl.backtest.replay import Chapter, ReplayReport, Start, replay
from tradectl.daemon.state_directory import StateDirectory, code_fingerprint, read_configs
from tradectl.engine.checkpoint import decode
from tradectl.journal import Span, complete_spans, read_checkpoint, read_entries, usable_checkpoints
from tradectl.model.errors import ErrorCode, Problem
from tradectl.strategies import loader as strategy_loader


class Replayed(Struct, frozen=True):
    """A replay and what it was compared under: ``changed`` names what is no longer as it was recorded, ``older`` of
    which records that is true. ``complete`` is the span of which nothing was pruned; ``start`` the checkpoint the
    replay began behind, 0 for the beginning of the run."""

    run: str
    report: ReplayReport
    changed: tuple[str, ...]
    older: tuple[str, ...] = ()
    complete: Span = Span(1, 0)
    start: int = 0


class RunChapters(Struct, frozen=True):
    """The configurations of a run with their classes as they are today, and what of them is no longer as recorded."""

    chapters: tuple[Chapter, ...]
    changed: tuple[str, ...]
    older: tuple[str, ...]


def replay_run(
    state: str, run: str, folder: Path | None, progress: Callable[[int], None] = lambda seq: None, begin: int = 0
) -> Replayed:
    """Replay ``run`` (empty: the newest) of a state directory: all that is complete, or from the newest checkpoint
    before entry ``begin``. Raises ``Problem``."""
    directory = run_directory(state, run)
    spans = complete_spans(directory)
    if not spans:
        raise Problem(
            ErrorCode.NOT_FOUND, f"the journal of {directory.name} holds no record", field="run",
            reason="nothing was recorded", remedy="start the daemon and let it run",
        )  # fmt: skip
    known = run_chapters(directory, folder)
    start = _readable(_starts(directory, spans[0], begin), spans[0])
    after = start.seq if start is not None else 0
    try:
        report = replay(read_entries(directory, after), known.chapters, progress, start)
    except ValueError as error:
        raise Problem(ErrorCode.INTERNAL, str(error), field="run", remedy="restore the journal from a backup") from None
    return Replayed(directory.name, report, known.changed, known.older, spans[0], after)


def run_chapters(directory: Path, folder: Path | None) -> RunChapters:
    """Every configuration a run was led by, in order. Raises ``Problem`` when they cannot be read."""
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
    return RunChapters(tuple(chapters), tuple(dict.fromkeys(changed)), tuple(older))


def _starts(directory: Path, span: Span, begin: int) -> list[tuple[int, Path | None]]:
    """Where a replay may begin, the best first: the checkpoint's sequence and file, 0 and none for the beginning."""
    if begin > span.last or begin < 0:
        raise Problem(
            ErrorCode.INVALID_SETTING, f"--from {begin}: the run has entries 1 to {span.last}", field="from",
            reason="a replay begins at an entry of the run", remedy=f"choose one up to {span.last}",
        )  # fmt: skip
    usable: list[tuple[int, Path | None]] = [*usable_checkpoints(directory, span.first - 1)]
    if span.first == 1:
        usable.insert(0, (0, None))
    if begin:
        usable = [it for it in reversed(usable) if it[0] < begin]
    if usable:
        return usable
    before = f", without a checkpoint from there to {begin}" if begin else ", without a checkpoint behind it"
    raise Problem(
        ErrorCode.NOT_FOUND, f"the market data of {directory.name} is complete only from entry {span.first}{before}",
        field="from" if begin else "run", reason="older market segments were pruned to the disk budget",
        remedy="leave out --from, or choose a later entry" if begin else "raise journal.market_budget",
    )  # fmt: skip


def _readable(starts: Sequence[tuple[int, Path | None]], span: Span) -> Start | None:
    """The first of ``starts`` that this version can read; ``None`` for the beginning of the run."""
    for _, path in starts:
        if path is None:
            return None
        kept = read_checkpoint(path)
        try:
            if kept is not None:
                decode(kept.state)
                return Start(kept.seq, kept.state)
        except (ValueError, msgspec.MsgspecError):
            continue  # of another version: the next one may be newer
    raise Problem(
        ErrorCode.NOT_FOUND, "no checkpoint of the run can be read by this version", field="run",
        reason=f"the market data is complete from entry {span.first} only, and a replay begins at a checkpoint there",
        remedy="replay it with the version that wrote it",
    )  # fmt: skip


def run_directory(state: str, run: str) -> Path:
    """The journal of ``run`` (empty: the newest). Raises ``Problem`` when there is none."""
    known_state = StateDirectory(state)
    if not run:
        binding = known_state.binding()
        run = binding.run if binding is not None else ""
    directory = known_state.journal(run)
    if not run or not directory.is_dir():
        folder = known_state.path / "journal"
        known = sorted(p.name for p in folder.glob("*")) if folder.is_dir() else []
        raise Problem(
            ErrorCode.NOT_FOUND, f"there is no run {run!r} in {known_state.path}", field="run", reason="unknown run",
            remedy=f"one of: {', '.join(known)}" if known else "start the daemon first",
        )  # fmt: skip
    return directory
