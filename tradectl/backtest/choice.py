"""Which engine runs a backtest: arrays where they leave the same result in less time, else events."""

from collections.abc import Callable, Mapping
from typing import get_args

from msgspec.structs import replace

from tradectl.backtest.arrays import ready
from tradectl.backtest.engines import ENGINE, EVENTS, REFUSED, WHY, Engine, reason_of
from tradectl.backtest.job import BacktestJob, BacktestResult, Progress
from tradectl.backtest.refusal import wrong
from tradectl.backtest.runner import run_backtest
from tradectl.engine.strategy import Strategy
from tradectl.history.reading import History
from tradectl.history.series import Kind, SeriesId
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.market_data import INTERVALS

#: So many candles take events longer than it takes to load compiled kernels, and to compile them.
WORTH_LOADING, WORTH_COMPILING = 200_000, 3_000_000
_BUILT_IN = "tradectl.strategies."


def run_by(
    engine: Engine, job: BacktestJob, history: History, classes: Mapping[str, type[Strategy]],
    progress: Callable[[Progress], None] | None = None, stop: Callable[[], bool] | None = None,
) -> BacktestResult:  # fmt: skip
    """``job`` by ``engine``; the result's ``extra`` names the one that ran, and why arrays did not.

    ``auto`` takes arrays when the result is the same and there sooner, and asks ``stop`` of events alone. Raises
    ``Problem`` as :func:`run_backtest` does, and (NOT_READY) when ``arrays`` cannot promise the same result.
    """
    if engine not in get_args(Engine):
        raise wrong("engine", engine, f"is none of {', '.join(get_args(Engine))}", "choose one of them")
    why = "" if engine == "events" else undeclared(job, classes)
    if engine == "auto" and not why:
        why = own_word(job, classes) or too_short(job, history)
    if engine == "arrays" and why:
        raise _refusal(why)
    if engine != "events" and not why:
        try:
            return _over_arrays(job, history, classes, progress)
        except Problem as problem:
            why = reason_of(problem)
            if engine == "arrays":
                raise (_refusal(why) if problem.field == "arrays" else problem) from None
            if problem.code not in REFUSED:
                raise
    result = run_backtest(job, history, classes, progress, stop)
    return replace(result, extra={**result.extra, ENGINE: EVENTS, **({WHY: why} if why else {})})


def undeclared(job: BacktestJob, classes: Mapping[str, type[Strategy]]) -> str:
    """Why there are no arrays of the job's strategy that speak for its ``on_bar``; empty when there are."""
    cls = classes[job.strategies[0].class_] if job.strategies else Strategy
    kin = cls.__mro__
    said, done = (next((it for it in kin if name in vars(it)), None) for name in ("signals", "on_bar"))
    if said is None:
        return f"{cls.__name__} does not declare its signals as arrays"
    if done is not None and kin.index(done) < kin.index(said):
        return f"{done.__name__} has an on_bar of its own, the signals are those of {said.__name__}"
    return ""


def own_word(job: BacktestJob, classes: Mapping[str, type[Strategy]]) -> str:
    """Why the signals need not be what ``on_bar`` says: only those of built-in classes are tested to be."""
    cls = classes[job.strategies[0].class_]
    if cls.__module__.startswith(_BUILT_IN):
        return ""
    return f"{cls.__name__} is not built in, its signals may not be what on_bar says (--check-lookahead compares them)"


def too_short(job: BacktestJob, history: History) -> str:
    """Why arrays would not be sooner; empty when they would."""
    if not ready.can_compile():
        return "numba is not installed"
    least = 0 if ready.in_memory() else WORTH_LOADING if ready.on_disk() else WORTH_COMPILING
    if _count(job, history) >= least:
        return ""
    return f"fewer than {least:,} candles are played before kernels are at hand"


def _count(job: BacktestJob, history: History) -> int:
    """About how many candles there are to play."""
    span = history.span(SeriesId(job.instruments[0], Kind.CANDLES, job.interval)) if job.instruments else None
    if span is None or job.interval not in INTERVALS:
        return 0
    return (min(span.last, job.until - 1) - max(span.first, job.since)) // INTERVALS[job.interval] + 1


def _over_arrays(
    job: BacktestJob, history: History, classes: Mapping[str, type[Strategy]],
    progress: Callable[[Progress], None] | None,
) -> BacktestResult:  # fmt: skip
    try:
        from tradectl.backtest.arrays.complete import complete
    except (ImportError, OSError, RuntimeError) as error:  # such as nowhere to keep what is compiled
        raise _refusal(f"its kernels cannot be loaded: {error}") from error
    result = complete(job, history, classes)
    if progress is not None:
        progress(Progress(result.ended, result.candles, result.candles))
    return result


def _refusal(why: str) -> Problem:
    return Problem(
        ErrorCode.NOT_READY, f"arrays cannot run this or promise the result of events: {why}", field="engine",
        reason=why, remedy="use --engine auto, which then runs events",
    )  # fmt: skip
