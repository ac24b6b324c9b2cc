"""The bare kernels: what an average and a run of one pair cost at the least, in numba.

Not kept on disk: the file is known under two names, as a script and as a module, and a kept kernel remembers one.
"""

import numba
import numpy as np


@numba.njit(nogil=True)
def average(close, period, out):
    """An exponential average of closes that begin with their seed."""
    alpha, value = 2.0 / (period + 1), close[0]
    for i in range(len(close)):
        value += alpha * (close[i] - value)
        out[i] = value


@numba.njit(nogil=True)
def walk(close, fast, slow, first, cash, fee, share, lot):
    """Cash at the end of one pair, long above and flat below, whatever is held valued at the last close."""
    held = 0.0
    above = fast[first - 1] > slow[first - 1]
    for i in range(first, len(close)):
        now = fast[i] > slow[i]
        if now != above:
            above = now
            if now:
                held = np.floor(share * cash / (close[i] * (1.0 + fee)) / lot) * lot
                cash -= held * close[i] * (1.0 + fee)
            else:
                cash += held * close[i] * (1.0 - fee)
                held = 0.0
    return cash + held * close[-1]
