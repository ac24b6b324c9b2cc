"""A strategy whose quality is a formula: the optimiser's tests need no market to know what is right."""

import itertools
import os
import random
import signal
import time
from decimal import Decimal
from pathlib import Path

from msgspec import Struct

from tradectl.backtest.job import BacktestJob, BacktestResult, Sample
from tradectl.backtest.optimise.search_space import Dimension, SearchSpace
from tradectl.engine.strategy import Strategy, param
from tradectl.performance.metrics import Mark, metrics

DAY = 86_400 * 10**9
SINCE, UNTIL = 19_000 * DAY, 19_128 * DAY


class Hill(Strategy):
    """Best at fast 20, slow 90; declares what a real crossing of averages declares."""

    symbol: str = param("BTCUSDT")
    fast: int = param(10, low=2, high=50)
    slow: int = param(30, low=5, high=200)
    speed: float = param(1.0, low=0.5, high=2.0)
    kind: str = param("ema", choices=("ema", "sma"))
    patient: bool = param(False)


def made(equity: list[float], since: int, step: int = DAY, stopped: dict[str, str] | None = None) -> BacktestResult:
    """A result with this equity, a sample each ``step``, and nothing else."""
    samples = tuple(Sample(since + i * step, Decimal(repr(round(it, 8))), Decimal(0)) for i, it in enumerate(equity))
    measured = metrics([Mark(it.at, it.equity) for it in samples], [])
    job = BacktestJob(
        strategies=(), instruments=(), interval="1d", since=since, until=since + len(equity) * step,
        cash=samples[0].equity,
    )  # fmt: skip
    return BacktestResult(
        job=job, instruments=(), executions=(), fills=(), orders=(), decisions=(), decided=0, refused={},
        samples=samples, prices={}, metrics=measured, per_strategy={}, warnings=(), models=(), data_fingerprint="",
        candles=len(equity), ended=since + len(equity) * step, stopped=stopped or {},
    )  # fmt: skip


def quality(params: dict) -> float:
    """Mean daily return in units of its deviation: highest on the hill."""
    return 0.2 - ((params["fast"] - 20) / 60) ** 2 - ((params["slow"] - 90) / 300) ** 2


def hill(params: dict, since: int, until: int) -> BacktestResult:
    """Daily returns of the hill with noise that depends on the day alone."""
    equity, level = [10_000.0], 10_000.0
    for day in range(since // DAY, until // DAY - 1):
        level *= 1 + 0.01 * (quality(params) + random.Random(day).gauss(0, 1))
        equity.append(level)
    return made(equity, since)


class HillSource(Struct, frozen=True):
    """Runs the hill in whatever process; ``log`` gets a line per evaluation begun, ``die`` names a file: whoever makes
    it dies in mid-trial with SIGKILL; ``pause`` is how long an evaluation takes; ``hold`` names a file: the process
    makes it in its third evaluation, which never ends."""

    log: str = ""
    die: str = ""
    pause: float = 0.0
    hold: str = ""

    def __call__(self, stop):
        begun = itertools.count(1)

        def evaluate(params, since, until, interim=None):
            if self.log:
                with Path(self.log).open("a") as file:
                    file.write(f"{os.getpid()} {sorted(params.items())}\n")
            if self.die and _first(self.die):
                os.kill(os.getpid(), signal.SIGKILL)
            if self.hold and next(begun) == 3:
                Path(self.hold).touch()
                while not stop():
                    time.sleep(0.01)
            ended = time.monotonic() + self.pause
            while time.monotonic() < ended and not stop():
                time.sleep(0.01)
            return hill(params, since, until)

        return evaluate


def _first(path: str) -> bool:
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def space(*rules) -> SearchSpace:
    return SearchSpace(
        (
            Dimension(name="fast", low=2, high=50, step=1, whole=True),
            Dimension(name="slow", low=5, high=200, step=1, whole=True),
        ),
        {"kind": "ema"},
        rules,
    )
