"""Many parameter sets over the same candles: a table of figures, on all cores, with nothing kept of a single run."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice, product
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tradectl.backtest.arrays.batch import Batch
from tradectl.backtest.arrays.curve import FIGURES
from tradectl.backtest.arrays.memory import keep_freed
from tradectl.backtest.arrays.prepared import Inputs
from tradectl.backtest.arrays.run import troubles
from tradectl.backtest.job import BacktestJob
from tradectl.engine.strategy import Strategy
from tradectl.history.series import Candles, Points
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.instruments import Instrument

#: Parameter sets handed to a thread at once: few enough that somebody who stops a sweep does not wait.
_AT_ONCE = 16
#: Bytes of their signals, beyond which they are fewer.
_MOST_BYTES = 8 * 2**20


class SweepResult(Struct, frozen=True):
    """One row for each parameter set, in the order given; ``columns`` are :data:`FIGURES` as arrays by name.

    ``notes`` say of a row (by its number) why its figures are missing (NaN: the parameters cannot go together) or may
    differ from the event-driven run's, which then decides. ``interrupted``: rows without a note that are NaN were not
    run.
    """

    names: tuple[str, ...]
    params: tuple[tuple[Any, ...], ...]
    columns: dict[str, NDArray[np.float64]]
    notes: dict[int, str]
    interrupted: bool = False

    def __len__(self) -> int:
        return len(self.params)

    def row(self, number: int) -> dict[str, Any]:
        """Parameters and figures of one set."""
        chosen = dict(zip(self.names, self.params[number], strict=True))
        return {**chosen, **{name: float(column[number]) for name, column in self.columns.items()}}

    def best(self, column: str = "total_return", count: int = 10) -> list[int]:
        """The rows with the highest values in ``column``, best first, without those that were not run."""
        values = self.columns[column]
        order = np.argsort(-values, kind="stable")
        return [int(it) for it in order if np.isfinite(values[it])][:count]


def grid(values: Mapping[str, Sequence[Any]]) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Every combination of the values, the last name running fastest."""
    return tuple(values), list(product(*values.values()))


def sweep(
    job: BacktestJob, candles: Candles, cls: type[Strategy], names: Sequence[str], params: Sequence[Sequence[Any]],
    instrument: Instrument, funding: Points | None = None, *, threads: int = 0,
    progress: Callable[[int], None] | None = None, stop: Callable[[], bool] | None = None,
) -> SweepResult:  # fmt: skip
    """Run ``cls`` with each row of ``params`` (values of ``names``) over the job's other parameters.

    Indicators are worked out once per period, each thread works on its own sets, and memory does not grow with their
    number. Raises ``Problem`` as :func:`run_arrays` does for what concerns all; what concerns one becomes its note.
    """
    keep_freed()
    inputs = Inputs(job, candles, instrument, funding)
    table, notes = np.full((len(params), len(FIGURES)), np.nan), dict[int, str]()
    common = job.strategies[0].params
    done = 0

    def given(row: int) -> dict[str, Any]:
        return {**common, **dict(zip(names, params[row], strict=True))}

    def work(rows: range) -> int:
        notes.update(_together(inputs, cls, {row: given(row) for row in rows}, table))
        return len(rows)

    if len(params):
        work(range(1))  # the kernels are compiled by one thread, and what is wrong with all runs is said once
        done = 1
    interrupted = False
    with ThreadPoolExecutor(threads or _cores()) as pool:
        for finished in _bounded(pool, work, _parts(1, len(params), inputs), 2 * (threads or _cores())):
            done += finished
            if progress is not None:
                progress(done)
            if stop is not None and stop():
                interrupted = True
                break
    columns = {name: table[:, place] for place, name in enumerate(FIGURES)}
    rows = tuple(tuple(it) for it in params)
    return SweepResult(tuple(names), rows, columns, dict(sorted(notes.items())), interrupted)


def _together(
    inputs: Inputs, cls: type[Strategy], given: Mapping[int, dict[str, Any]], table: NDArray[np.float64]
) -> dict[int, str]:  # fmt: skip
    """Fill the rows of ``table`` that ``given`` has parameters for; returns what must be known about some of them."""
    inputs.trim()
    batch, ran, notes = Batch(inputs, len(given)), list[int](), dict[int, str]()
    for row, params in given.items():
        try:
            batch.add(inputs.signals(cls, params, batch.room()))
            ran.append(row)
        except Problem as problem:
            if problem.code is not ErrorCode.INVALID_SETTING:
                raise
            notes[row] = str(problem)
    for row, (values, flags) in zip(ran, batch.run(), strict=True):
        table[row] = values
        if told := "; ".join(troubles(flags)):
            notes[row] = told
    return notes


def _parts(first: int, end: int, inputs: Inputs) -> Iterator[range]:
    count = max(1, min(_AT_ONCE, _MOST_BYTES // len(inputs.candles)))
    return (range(start, min(start + count, end)) for start in range(first, end, count))


def _bounded(
    pool: ThreadPoolExecutor, work: Callable[[range], int], parts: Iterable[range], most: int
) -> Iterator[int]:
    """What each part gives, with at most ``most`` of them waiting: a stop leaves little to be awaited."""
    left = iter(parts)
    waiting = [pool.submit(work, it) for it in islice(left, most)]
    while waiting:
        first = waiting.pop(0)
        yield first.result()
        waiting += [pool.submit(work, it) for it in islice(left, 1)]


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
