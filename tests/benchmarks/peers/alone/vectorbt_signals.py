"""vectorbt: its averages and ``Portfolio.from_signals``, of fixed size or (``share``) by share of the cash."""

import numpy as np
import pandas as pd
import vectorbt as vbt
from handover import MINUTE, Answer, Candles, Rules, asked, seeded


def average(close, period):
    """Its exponential average, NaN until there is one."""
    made = vbt.MA.run(pd.Series(seeded(close, period)), period, ewm=True).ma.to_numpy(copy=True)
    made[: period - 1] = np.nan
    return pd.Series(made)


def crossings(close):
    """Where the fast average crosses the slow one, upwards and downwards."""
    fast, slow = average(close, Rules.FAST), average(close, Rules.SLOW)
    return fast.vbt.crossed_above(slow), fast.vbt.crossed_below(slow)


def main():
    folder, path, words = asked()
    answer = Answer("vectorbt")
    candles = Candles(folder)
    close = pd.Series(candles.close)
    answer.loaded()
    size = {"size": Rules.SHARE, "size_type": "percent", "size_granularity": Rules.LOT}
    if "share" not in words:
        size = {"size": Rules.SIZE, "size_type": "amount"}

    def work():
        enter, leave = crossings(candles.close)
        made = vbt.Portfolio.from_signals(close, enter, leave, init_cash=Rules.CASH, fees=Rules.FEE, **size)
        return made, made.final_value()  # the equity is worked out when it is asked for

    made, equity = answer.run(work, times=7)
    rows = made.orders.values
    at = candles.time[rows["idx"]] + MINUTE
    answer.write(path, at, np.where(rows["side"] == 0, 1, -1), rows["price"], rows["size"], equity)


main()
