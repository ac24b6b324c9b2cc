"""Our side of the comparison over arrays: the same task, the same answer, in a process of its own."""

import json
import sys
import time
from decimal import Decimal
from typing import Any

import numpy as np

from tradectl.backtest.arrays.run import run_arrays
from tradectl.backtest.arrays.sweep import sweep as sweep_arrays
from tradectl.backtest.job import BacktestJob
from tradectl.backtest.limits import wide_open
from tradectl.engine.config import StrategyConfig
from tradectl.history.series import Candles
from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.model.money import use_exact_context
from tradectl.model.orders import Side
from tradectl.strategies.ema_cross import EmaCross

MINUTE = 60_000_000_000
BEGAN = 1_748_736_000_000_000_000


def market(task: dict[str, Any], close: Any) -> tuple[BacktestJob, Candles, Instrument]:
    """The job of a task."""
    own = InstrumentId(Category.LINEAR, "BTCUSDT")
    tick, lot = Decimal(str(task["tick"])), Decimal(str(task["lot"]))
    info = Instrument(own, "BTC", "USDT", "USDT", tick, lot, lot, Decimal(10**6), Decimal(10**6), Decimal(0))
    times = BEGAN + np.arange(len(close)) * MINUTE
    job = BacktestJob(
        strategies=(StrategyConfig(name="it", class_="it", capital=Decimal(task["capital"])),), instruments=(own,),
        interval="1m", since=BEGAN, until=BEGAN + len(close) * MINUTE, cash=Decimal(task["cash"]), limits=wide_open(),
    )  # fmt: skip
    return job, Candles(times, close, close, close, close, np.ones(len(close))), info


def single(task: dict[str, Any], close: Any) -> dict[str, Any]:
    """One pair, again and again; the last run's trades."""
    job, candles, info = market(task, close)
    spent = []
    for _ in range(task["rounds"] + 1):
        began = time.process_time()
        made = run_arrays(job, candles, EmaCross, {"fast": task["fast"], "slow": task["slow"]}, info)
        final = float(made.final_equity)
        spent.append(time.process_time() - began)
    rows = [
        ((it.at - BEGAN) // MINUTE - 1, int(it.side is Side.SELL), float(it.qty), float(it.price), float(it.fee))
        for it in made.fills
    ]
    return {"cpu": spent[1:], "final": final, "orders": rows}


def sweep(task: dict[str, Any], close: Any) -> dict[str, Any]:
    """All pairs on all cores."""
    job, candles, info = market(task, close)
    spent = []
    for _ in range(task["rounds"] + (0 if task["cold"] else 1)):
        began = time.perf_counter()
        table = sweep_arrays(job, candles, EmaCross, ("fast", "slow"), task["pairs"], info)
        spent.append(time.perf_counter() - began)
    return {"wall": spent if task["cold"] else spent[1:], "returns": table.columns["total_return"].tolist()}


if __name__ == "__main__":
    use_exact_context()
    told = json.loads(sys.stdin.read())
    answer = {"single": single, "sweep": sweep}[told["what"]](told, np.load(told["close"]))
    print(json.dumps(answer))
