"""Trials over arrays where strategy and job allow it, else event-driven with the reason: the objective is the same."""

from typing import Any

from msgspec.structs import replace

from tradectl.backtest.engines import REFUSED, WHY, Engine, reason_of
from tradectl.backtest.job import BacktestJob, BacktestResult, Interim
from tradectl.backtest.optimise.plan import Evaluate
from tradectl.backtest.optimise.search_space import Params
from tradectl.backtest.request import with_params
from tradectl.engine.strategy import Strategy
from tradectl.history.reading import History
from tradectl.model.errors import ErrorCode, Problem


class ByArrays:
    """Runs of one job over arrays: candles are read once, indicators worked out once per span."""

    def __init__(self, job: BacktestJob, history: History, cls: type[Strategy]) -> None:
        """Raises ``Problem`` (NOT_READY) when no run of the job can be over arrays, or numba is not installed."""
        from tradectl.backtest.arrays.loaded import Loaded
        from tradectl.backtest.arrays.rules import refuse

        refuse([] if hasattr(cls, "signals") else [f"{cls.__name__} does not declare its signals as arrays"])
        self._job, self._cls = job, cls
        self._loaded = Loaded(job, history)
        self._spans: dict[tuple[int, int], tuple[Any, Any]] = {}

    def __call__(self, params: Params, since: int, until: int, interim: Interim | None = None) -> BacktestResult:
        """Raises ``Problem`` when this run needs events, or the strategy refuses these parameters."""
        from tradectl.backtest.arrays.run import run_signals

        job = replace(with_params(self._job, params), since=since, until=until)
        inputs, telling = self._span(job)
        inputs.trim()
        asked = inputs.signals(self._cls, job.strategies[0].params)
        self._loaded.reaches(asked.start)
        result: BacktestResult = telling.result(run_signals(asked), job)
        if interim is not None:
            telling.show(result, interim)
        return result

    def _span(self, job: BacktestJob) -> tuple[Any, Any]:
        from tradectl.backtest.arrays.told import Telling

        found = self._spans.get((job.since, job.until))
        if found is None:
            inputs = self._loaded.inputs(job)
            found = self._spans[(job.since, job.until)] = inputs, Telling(inputs, self._loaded.funding)
        return found


class TwoSpeeds:
    """``fast`` where it can, else ``slow``; results of ``slow`` say why."""

    def __init__(self, fast: Evaluate | None, slow: Evaluate, why: str = "") -> None:
        self._fast, self._slow, self._why = fast, slow, why

    def __call__(self, params: Params, since: int, until: int, interim: Interim | None = None) -> BacktestResult:
        why = self._why
        if self._fast is not None:
            try:
                return self._fast(params, since, until, interim)
            except Problem as problem:
                if problem.code not in REFUSED:
                    raise
                why = reason_of(problem)
        result = self._slow(params, since, until, interim)
        return replace(result, extra={**result.extra, WHY: why})


def two_speeds(
    engine: Engine, job: BacktestJob, history: History, classes: dict[str, type[Strategy]], slow: Evaluate,
    unfit: str = "",
) -> Evaluate:  # fmt: skip
    """How trials of ``job`` are run. ``unfit`` says why arrays will not do, whatever they say themselves.

    Raises ``Problem`` when ``engine`` is ``arrays`` and they do not fit the job.
    """
    if engine == "events":
        return slow
    try:
        if unfit:
            raise Problem(ErrorCode.NOT_READY, unfit, field="engine", reason=unfit, remedy="use --engine auto")
        fast = ByArrays(job, history, classes[job.strategies[0].class_])
    except Problem as problem:
        if engine == "arrays" or problem.code not in REFUSED:
            raise
        return TwoSpeeds(None, slow, reason_of(problem))
    return fast if engine == "arrays" else TwoSpeeds(fast, slow)
