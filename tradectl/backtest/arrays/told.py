"""A run over arrays told as a backtest's result: samples, fills and metrics as the event-driven run leaves them."""

from collections.abc import Iterator
from decimal import Decimal

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from tradectl.backtest.arrays.prepared import Inputs
from tradectl.backtest.arrays.rules import UNIT
from tradectl.backtest.arrays.run import ArrayFill, ArrayResult
from tradectl.backtest.collector import measured_marks, sample_step
from tradectl.backtest.job import BacktestJob, BacktestResult, Interim, Sample
from tradectl.engine.books import Book
from tradectl.model.money import ZERO
from tradectl.performance.fills import Fill
from tradectl.performance.metrics import Metrics, metrics

#: Where a result's ``extra`` says how it was made, and what it says there.
ENGINE, ARRAYS = "engine", "arrays"


class Telling:
    """Tells runs of one span; where it is sampled is found once.

    What only events can leave is not there: executions, orders, decisions, refusals by check, charts, fingerprint; the
    slices of one decision are one fill.
    """

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs
        self._ends = inputs.candles.open_time[inputs.first :] + inputs.length
        self._grid = _sampled(self._ends, inputs)
        self._close = inputs.candles.close[inputs.first :]

    def result(self, run: ArrayResult, job: BacktestJob) -> BacktestResult:
        """``run`` as the result of ``job``."""
        fills = tuple(_fills(run))
        samples = self._samples(run)
        return BacktestResult(
            job=job, instruments=(self._inputs.instrument,), executions=(), fills=fills, orders=(), decisions=(),
            decided=0, refused={}, samples=samples, prices={}, metrics=_measured(job, samples, fills), per_strategy={},
            warnings=(), models=job.models.describe(), data_fingerprint="", candles=len(self._ends),
            ended=int(self._ends[-1]), extra={ENGINE: ARRAYS},
        )  # fmt: skip

    def show(self, result: BacktestResult, interim: Interim) -> None:
        """Let ``interim`` hear what it would have heard under way."""
        heard = -1
        for moment in interim.moments:
            place = int(np.searchsorted(self._ends[self._grid], moment))
            if heard < place < len(self._grid):
                heard = place
                interim.hear(_until(result, place + 2))  # one more: the account before the first bar

    def _samples(self, run: ArrayResult) -> tuple[Sample, ...]:
        at = self._grid
        if not len(at) or at[-1] != len(self._ends) - 1:
            at = np.append(at, len(self._ends) - 1)
        equity = np.rint(run.equity[at] * 1e8).astype(np.int64)
        exposure = np.abs(_held(run, len(self._ends))[at] * self._close[at])
        begin = Sample(int(self._ends[0]) - self._inputs.length, self._inputs.job.cash, ZERO)
        rows = zip(self._ends[at].tolist(), equity.tolist(), exposure.tolist(), strict=True)
        return begin, *(Sample(ts, worth * UNIT, Decimal(repr(held))) for ts, worth, held in rows)


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


def _held(run: ArrayResult, bars: int) -> NDArray[np.float64]:
    """The position at the end of each bar of the span, in coins."""
    held, before = np.zeros(bars), run.asked.inputs.first - run.asked.start
    for bar, _, lots in run.raw.stands.tolist():
        held[max(bar - before, 0) :] = lots
    return held * float(run.asked.inputs.instrument.lot_size)


def _fills(run: ArrayResult) -> Iterator[Fill]:
    """Trades and payments of funding in the order they happened, booked as the engine books them."""
    own, start, book = run.asked.inputs, run.asked.start, Book()
    ends, trades = own.candles.open_time + own.length, zip(run.fills, run.raw.fills.tolist(), strict=True)
    number = lots = at = 0
    ledger = int(run.asked.rules["cash"][0])
    for bar, ledger_now, lots_now in run.raw.stands.tolist():
        if lots_now == lots and ledger_now != ledger:
            number, at = number + 1, max(at, int(ends[min(start + bar, len(ends) - 1)]))
            yield _payment(own, number, at, (ledger - ledger_now) * UNIT)
        while lots != lots_now:
            fill, row = next(trades)
            number, at, lots = number + 1, fill.at, lots + row[1]
            yield _trade(own, number, fill, book, Decimal(repr(float(own.candles.close[start + row[5]]))))
        ledger = ledger_now


def _trade(own: Inputs, number: int, it: ArrayFill, book: Book, middle: Decimal) -> Fill:
    sign, coin = it.side.sign, own.instrument.settle_coin
    realised = book.trade(sign, it.qty, it.price)
    return Fill(
        f"{number:09}", it.at, own.job.strategies[0].name, own.instrument.id, sign * it.qty, it.price,
        sign * it.qty * it.price, it.fee, ZERO, realised, sign * (it.price - middle) * it.qty, False, coin, it.fee,
    )  # fmt: skip


def _payment(own: Inputs, number: int, at: int, paid: Decimal) -> Fill:
    name, coin = own.job.strategies[0].name, own.instrument.settle_coin
    return Fill(
        f"{number:09}", at, name, own.instrument.id, ZERO, ZERO, ZERO, ZERO, paid, ZERO, ZERO, False, coin, paid
    )  # fmt: skip
