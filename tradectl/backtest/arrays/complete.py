"""A whole backtest over arrays: everything the event-driven run leaves, or the reasons why only that one can tell."""

import time
from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct

from tradectl.backtest.arrays.codes import SLICED, TROUBLES
from tradectl.backtest.arrays.decisions import numbered
from tradectl.backtest.arrays.loaded import Loaded
from tradectl.backtest.arrays.prepared import Asked
from tradectl.backtest.arrays.records import Records
from tradectl.backtest.arrays.rules import refuse
from tradectl.backtest.arrays.run import ArrayResult, run_signals
from tradectl.backtest.arrays.told import Telling
from tradectl.backtest.collector import DAY, measured, sample_step
from tradectl.backtest.described import described
from tradectl.backtest.engines import ARRAYS, ENGINE
from tradectl.backtest.feed import CandleFeed
from tradectl.backtest.job import BacktestJob, BacktestResult
from tradectl.backtest.packed import PLAIN, Derived
from tradectl.backtest.preparation import Prepared, prepare
from tradectl.backtest.warnings import known_biases
from tradectl.engine.strategy import Strategy
from tradectl.history.reading import History
from tradectl.model.commands import Alert
from tradectl.model.money import use_exact_context
from tradectl.performance.fills import Fill
from tradectl.performance.metrics import Mark


def complete(job: BacktestJob, history: History, classes: Mapping[str, type[Strategy]]) -> BacktestResult:
    """As :func:`run_backtest`, with the same result but for ``extra`` and the seconds it took.

    Raises ``Problem`` (NOT_READY) with the reasons when that cannot be promised, and for what :func:`prepare` and the
    strategy refuse.
    """
    use_exact_context()
    wall, cpu = time.monotonic(), time.process_time()
    prepared = prepare(job, history, classes)
    refuse(heard_late(job))
    whole, decided = _played(prepared, history, classes)
    return whole.result(decided, wall, cpu)


def _played(
    prepared: Prepared, history: History, classes: Mapping[str, type[Strategy]]
) -> "tuple[_Whole, int]":  # fmt: skip
    """What happened, and how many decisions there were; candles and indicators are let go when it is known."""
    job = prepared.job
    loaded = Loaded(job, history)
    inputs = loaded.inputs(job)
    asked = inputs.signals(classes[job.strategies[0].class_], job.strategies[0].params)
    loaded.reaches(asked.start)
    refuse(unfit(asked))
    run = run_signals(asked)
    refuse([f"{run.refused} entries were refused, by which checks only events tell"] if run.refused else [])
    decisions, decided = _decisions(run)
    return _Whole(prepared, history, Telling(inputs, loaded.funding), run, decisions), decided


def heard_late(job: BacktestJob) -> list[str]:
    """Why the account at a bar's end cannot be told: it is noted before what happened then is heard."""
    latency = job.models.latency
    late = latency.market(0) > 0 or latency.answer(0) > 0
    return ["bars or fills are heard after the moment the account is noted at"] if late else []


def unfit(asked: Asked) -> list[str]:
    """Why these candles are not worth a try: none has a price of 0, and what the first entry buys is a few orders."""
    own, rules = asked.inputs, asked.rules[0]
    if not (own.candles.low[own.first :] > 0).all():
        return ["a price is not above 0"]
    highest = float(own.candles.high[own.first :].max()) / float(own.instrument.tick_size) * int(rules["step"])
    cash = int(rules["cash"]) * float(own.job.strategies[0].capital) * asked.weight
    orders = cash / highest / int(rules["most_lots"])
    return [TROUBLES[SLICED]] if orders > 2 * int(rules["slices"]) else []


def _decisions(run: ArrayResult) -> tuple[list[int], int]:
    """The number of the decision behind each trade, and how many decisions there were."""
    asked = run.asked
    rules, codes, _, _, _, _, close, first, _, _ = asked.arguments()
    numbers = np.zeros(len(run.raw.fills), np.int64)
    made, idle = numbered(rules, codes, close, first, run.raw.fills, run.raw.account, numbers)
    small = idle and int(rules["min_lots"][0]) > 1
    refuse(["a target may have been too near to trade, which only events tell"] if small else [])
    return numbers.tolist(), int(made)


class _Outcome(Struct, frozen=True):
    """What warnings are made from, where nothing was refused and nobody stopped."""

    traded: Sequence[int]
    refused: dict[str, int] = {}
    stopped: dict[str, str] = {}
    alerts: dict[str, Alert] = {}


class _Whole:
    """One run's records, charts and figures."""

    def __init__(
        self, prepared: Prepared, history: History, telling: Telling, run: ArrayResult, decisions: list[int]
    ) -> None:
        self._p, self._history = prepared, history
        self._candles, self._ended = len(telling.ends), int(telling.ends[-1])
        self._happened = telling.happened(run)
        self._orders = [it for it in self._happened if it.trade >= 0]
        self._samples = telling.samples(run)
        self._records = Records(prepared.job, prepared.instruments[0], decisions)

    def result(self, decided: int, wall: float, cpu: float) -> BacktestResult:
        """Everything; ``wall`` and ``cpu`` are when it began."""
        p, job = self._p, self._p.job
        feed, record = self._feed(), self._records
        fills = tuple(map(record.fill, self._happened))
        marks = self._strategy_marks(fills)
        capital = {it.name: it.capital for it in job.strategies}
        whole, each = measured(fills, self._samples, marks, job.cash, capital)
        name = str(job.instruments[0])
        missing = {name: feed.missing[0]} if feed.missing[0] else {}
        outcome = _Outcome([it.at for it in self._orders])
        return BacktestResult(
            job=job, instruments=p.instruments, executions=Derived(self._happened, record.execution),
            fills=fills if len(fills) < PLAIN else Derived(self._happened, record.fill),
            orders=Derived(self._orders, record.order), decisions=(), decided=decided, refused={},
            samples=self._samples, prices={name: tuple(feed.charts[0].bars)}, metrics=whole, per_strategy=each,
            warnings=known_biases(p, outcome, missing), models=described(p), data_fingerprint=p.fingerprint(),
            candles=self._candles, ended=self._ended, missing=missing, code=p.code, extra={ENGINE: ARRAYS},
            wall_seconds=time.monotonic() - wall, cpu_seconds=time.process_time() - cpu,
        )  # fmt: skip

    def _feed(self) -> CandleFeed:
        """The candles once more as events would play them: chart and gaps follow."""
        job, length = self._p.job, self._p.length
        step = sample_step(job.since, job.until, length)
        feed = CandleFeed(self._history, job.instruments, job.interval, length, job.since, job.until, step)
        for _ in feed.parts(0):
            pass
        return feed

    def _strategy_marks(self, fills: Sequence[Fill]) -> dict[str, list[Mark]]:
        """What the strategy's book was worth at the first sample of each day it existed on, and at the end."""
        job, marks, day = self._p.job, list[Mark](), -1
        if not fills:
            return {}
        for it in self._samples[1:]:
            if it.at // DAY == day and it is not self._samples[-1]:
                continue
            day = it.at // DAY
            if fills[0].at <= it.at:
                marks.append(Mark(it.at, it.equity - job.cash))
        return {job.strategies[0].name: marks}
