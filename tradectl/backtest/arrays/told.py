"""A run over arrays told as a backtest's result: samples, fills and metrics as the event-driven run leaves them."""

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from tradectl.backtest.arrays.happened import Happened, happened
from tradectl.backtest.arrays.prepared import Inputs
from tradectl.backtest.arrays.records import Records
from tradectl.backtest.arrays.rules import UNIT
from tradectl.backtest.arrays.run import ArrayResult
from tradectl.backtest.collector import measured_marks, sample_step
from tradectl.backtest.engines import ARRAYS, ENGINE
from tradectl.backtest.job import BacktestJob, BacktestResult, Interim, Sample
from tradectl.history.series import Points
from tradectl.model.money import ZERO, exact
from tradectl.performance.fills import Fill
from tradectl.performance.metrics import Metrics, metrics


class Telling:
    """Tells runs of one span; where it is sampled is found once. ``funding`` is what the inputs were made with."""

    def __init__(self, inputs: Inputs, funding: Points | None) -> None:
        self._inputs, self._funding = inputs, funding
        self.ends = inputs.candles.open_time[inputs.first :] + inputs.length
        self._grid = _sampled(self.ends, inputs)

    def result(self, run: ArrayResult, job: BacktestJob) -> BacktestResult:
        """``run`` as the result of ``job``, as far as it takes to judge it: :mod:`complete` tells the rest."""
        record = Records(job, self._inputs.instrument)
        fills = tuple(record.fill(it) for it in self.happened(run))
        samples = self.samples(run)
        return BacktestResult(
            job=job, instruments=(self._inputs.instrument,), executions=(), fills=fills, orders=(), decisions=(),
            decided=0, refused={}, samples=samples, prices={}, metrics=_measured(job, samples, fills), per_strategy={},
            warnings=(), models=job.models.describe(), data_fingerprint="", candles=len(self.ends),
            ended=int(self.ends[-1]), extra={ENGINE: ARRAYS},
        )  # fmt: skip

    def happened(self, run: ArrayResult) -> list[Happened]:
        """Every trade and payment."""
        return list(happened(run, self._funding))

    def show(self, result: BacktestResult, interim: Interim) -> None:
        """Let ``interim`` hear what it would have heard under way."""
        heard = -1
        for moment in interim.moments:
            place = int(np.searchsorted(self.ends[self._grid], moment))
            if heard < place < len(self._grid):
                heard = place
                interim.hear(_until(result, place + 2))  # one more: the account before the first bar

    def samples(self, run: ArrayResult) -> tuple[Sample, ...]:
        """Equity and exposure at the moments the event-driven run notes them."""
        at, own, rules = self._grid, self._inputs, run.asked.rules
        if not len(at) or at[-1] != len(self.ends) - 1:
            at = np.append(at, len(self.ends) - 1)
        closes = own.candles.close[own.first :][at]
        ticks = np.rint(closes / float(own.instrument.tick_size)).astype(np.int64).tolist()
        ledgers, held = _stood(run, at)
        lot, step, untouched = own.instrument.lot_size, int(rules["step"][0]), int(rules["cash"][0])
        begin = Sample(int(self.ends[0]) - own.length, own.job.cash, ZERO)
        rows = zip(self.ends[at].tolist(), ledgers, held, ticks, closes.tolist(), strict=True)
        return begin, *(
            Sample(
                ts, (ledger + lots * whole * step) * UNIT if lots or ledger != untouched else own.job.cash,
                abs(lots * lot * exact(close)) if lots else ZERO,
            )
            for ts, ledger, lots, whole, close in rows
        )  # fmt: skip


def _until(result: BacktestResult, count: int) -> BacktestResult:
    """As of sample number ``count``."""
    samples = result.samples[:count]
    end = samples[-1].at
    fills = tuple(it for it in result.fills if it.at <= end)
    told = _measured(result.job, samples, fills)
    return replace(result, samples=samples, fills=fills, metrics=told, ended=end, interrupted=True)


def _measured(job: BacktestJob, samples: tuple[Sample, ...], fills: tuple[Fill, ...]) -> Metrics:
    return metrics(measured_marks(job.cash, [(it.at, it.equity) for it in samples]), fills)


def _sampled(ends: NDArray[np.int64], inputs: Inputs) -> NDArray[np.int64]:
    """The bars at whose end the event-driven run takes a sample: the first in each step."""
    step = sample_step(inputs.job.since, inputs.job.until, inputs.length)
    due, found = int(ends[0]) - inputs.length + step, []
    while (place := int(np.searchsorted(ends, due))) < len(ends):
        found.append(place)
        due = int(ends[place]) // step * step + step
    return np.array(found, np.int64)


def _stood(run: ArrayResult, at: NDArray[np.int64]) -> tuple[list[int], list[int]]:
    """The account's ledger and position in lots at the end of each bar ``at`` of the span."""
    before, stands = run.asked.inputs.first - run.asked.start, run.raw.stands
    last = np.searchsorted(stands["bar"], at + before, "right")
    ledgers = np.concatenate((run.asked.rules["cash"], stands["ledger"]))[last]
    held = np.concatenate((np.zeros(1, np.int64), stands["lots"]))[last]
    return ledgers.tolist(), held.tolist()
