"""vectorbt: each average once with its own kernel, then ``from_signals`` over as many pairs at a time as suits it best.

Words: pairs, runs, and how many pairs at a time; 0 tries several and keeps the best.
"""

import time

import numpy as np
import pandas as pd
import vectorbt as vbt
from handover import Answer, Candles, Rules, asked, pairs, seeded

#: Pairs at a time that are tried.
CHUNKS = (5, 20, 50, 100)


def averages(close, periods):
    """Every average that is asked for, by its period."""
    made = {}
    for period in periods:
        made[period] = vbt.generic.nb.ewm_mean_1d_nb(seeded(close, period), period, 0, False)
        made[period][: period - 1] = np.nan
    return made


def swept(close, rows, chunk):
    """Total return of each pair."""
    prices, returns = pd.Series(close), []
    known = averages(close, {period for row in rows for period in row})
    for start in range(0, len(rows), chunk):
        part = rows[start : start + chunk]
        fast = np.column_stack([known[it[0]] for it in part])
        slow = np.column_stack([known[it[1]] for it in part])
        enter, leave = vbt.generic.nb.crossed_above_nb(fast, slow), vbt.generic.nb.crossed_above_nb(slow, fast)
        made = vbt.Portfolio.from_signals(
            prices, enter, leave, init_cash=Rules.CASH, fees=Rules.FEE, size=Rules.SHARE, size_type="percent",
            size_granularity=Rules.LOT,
        )  # fmt: skip
        returns.append(np.asarray(made.total_return()))
    return np.concatenate(returns)


def best_chunk(close, rows):
    """The number at a time that takes the least for as many pairs, all compiled."""
    taken = {}
    swept(close[:2000], rows[:2], 2)
    for chunk in CHUNKS:
        before = time.perf_counter()
        swept(close, rows[: CHUNKS[-1]], chunk)
        taken[chunk] = time.perf_counter() - before
    return min(taken, key=taken.get)


def main():
    folder, path, words = asked()
    answer = Answer("vectorbt")
    close, rows = Candles(folder).close, pairs(int(words[0]))
    answer.loaded()
    chunk = int(words[2]) or best_chunk(close, rows)
    returns = answer.run(lambda: swept(close, rows, chunk), times=int(words[1]))
    answer.found["chunk"] = chunk
    answer.write_returns(path, returns)


main()
