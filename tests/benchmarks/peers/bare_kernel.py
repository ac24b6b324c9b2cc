"""The floor of a sweep: EMAs once per period, then one compiled loop that crosses and keeps cash, and nothing else."""

import json
import sys
import time
from typing import Any

import numba
import numpy as np


@numba.njit(cache=True)
def ema(close: Any, period: int) -> Any:
    """The plain recursion."""
    out = np.empty(len(close))
    value, alpha = close[0], 2.0 / (period + 1)
    for i in range(len(close)):
        value += alpha * (close[i] - value)
        out[i] = value
    return out


@numba.njit(cache=True, parallel=True)
def crossed(close: Any, lines: Any, pairs: Any, fee: float, share: float) -> Any:
    """What one unit of cash becomes for each pair of rows of ``lines``."""
    out = np.empty(len(pairs))
    for p in numba.prange(len(pairs)):
        fast, slow = lines[pairs[p, 0]], lines[pairs[p, 1]]
        cash, held = 1.0, 0.0
        for i in range(1, len(close)):
            if fast[i - 1] <= slow[i - 1] and fast[i] > slow[i]:
                if held == 0.0:
                    held = cash * share / close[i]
                    cash -= held * close[i] * (1.0 + fee)
            elif fast[i - 1] >= slow[i - 1] and fast[i] < slow[i]:
                cash += held * close[i] * (1.0 - fee)
                held = 0.0
        out[p] = cash + held * close[-1] - 1.0
    return out


def sweep(task: dict[str, Any], close: Any) -> dict[str, Any]:
    """All pairs on all cores."""
    periods = sorted({it for pair in task["pairs"] for it in pair})
    place = {period: row for row, period in enumerate(periods)}
    pairs = np.array([[place[f], place[s]] for f, s in task["pairs"]])
    spent = []
    for _ in range(task["rounds"] + 1):
        began = time.perf_counter()
        lines = np.stack([ema(close, it) for it in periods])
        found = crossed(close, lines, pairs, task["fee"], task["share"])
        spent.append(time.perf_counter() - began)
    return {"wall": spent[1:], "returns": found.tolist()}


if __name__ == "__main__":
    told = json.loads(sys.stdin.read())
    print(json.dumps(sweep(told, np.load(told["close"]))))
