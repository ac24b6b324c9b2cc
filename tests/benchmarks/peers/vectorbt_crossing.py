"""vectorbt on the crossing of two EMAs; run by its own interpreter, told in JSON what to do, answers in JSON.

Its EMA begins with the first close, ours with the mean of the first ones: trades can differ until that is forgotten.
Sizes are not cut to the lot: its ``size_granularity`` divides in floats, sells a lot too little and never buys again.
"""

import json
import sys
import time
from typing import Any

import numpy as np
import pandas as pd
import vectorbt as vbt


def portfolio(task: dict[str, Any], close: Any, fast: list[int], slow: list[int]) -> Any:
    """All pairs at once, bought and sold a tick beside the close, for a share of the cash."""
    quick, late = (vbt.MA.run(close, windows, ewm=True, run_unique=True) for windows in (fast, slow))
    shape = (len(close), len(fast))
    entries = quick.ma_crossed_above(late).values.reshape(shape)
    exits = quick.ma_crossed_below(late).values.reshape(shape)
    price = np.where(entries, close[:, None] + task["tick"], close[:, None] - task["tick"])
    return vbt.Portfolio.from_signals(
        pd.DataFrame(np.broadcast_to(close[:, None], entries.shape)), entries, exits, price=price, fees=task["fee"],
        init_cash=task["cash"], size=task["share"] * (1 + task["fee"]), size_type="percent",
        accumulate=False,
    )  # fmt: skip


def single(task: dict[str, Any], close: Any) -> dict[str, Any]:
    """One pair, again and again; the last run's trades."""
    spent = []
    for _ in range(task["rounds"] + 1):
        began = time.process_time()
        made = portfolio(task, close, [task["fast"]], [task["slow"]])
        final = float(made.final_value().iloc[0])
        spent.append(time.process_time() - began)
    orders = made.orders.records
    rows = [orders[it].tolist() for it in ("idx", "side", "size", "price", "fees")]
    return {"cpu": spent[1:], "final": final, "orders": list(zip(*rows, strict=True))}


def sweep(task: dict[str, Any], close: Any) -> dict[str, Any]:
    """All pairs in parts of ``chunk`` columns: more at once needs more memory than it saves time."""
    spent, chunk = [], task["chunk"]
    for _ in range(task["rounds"] + (0 if task["cold"] else 1)):
        began, found = time.perf_counter(), []
        for start in range(0, len(task["pairs"]), chunk):
            part = task["pairs"][start : start + chunk]
            made = portfolio(task, close, [f for f, _ in part], [s for _, s in part])
            found += made.total_return().tolist()
        spent.append(time.perf_counter() - began)
    return {"wall": spent if task["cold"] else spent[1:], "returns": found}


if __name__ == "__main__":
    told = json.loads(sys.stdin.read())
    answer = {"single": single, "sweep": sweep}[told["what"]](told, np.load(told["close"]))
    print(json.dumps(answer))
