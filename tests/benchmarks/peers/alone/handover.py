"""What a peer's process is given and what it leaves: candles in, trades and times out. It needs numpy and nothing else.

Each script beside this one runs in an environment of its own as ``python SCRIPT FOLDER ANSWER``: it reads the candles
of ``FOLDER``, runs the strategy of :class:`Rules`, and writes ``ANSWER.npz`` (its trades) and ``ANSWER.json``.
"""

import json
import os
import platform
import sys
import time
from importlib.metadata import version

import numpy as np

COLUMNS = ("open", "high", "low", "close", "volume")
MINUTE = 60_000_000_000


class Rules:
    """What is traded: an EMA cross, long or flat, at the close of the candle that crosses.

    ``FEE`` is a fraction of each fill's value. ``SIZE`` coins per entry; in the runs by share, ``SHARE`` of equity at
    the price with its fee, in whole ``LOT``: a number binary fractions hold, because peers divide floats by it. An
    average begins as the simple one of its first closes.
    """

    FAST, SLOW = 10, 30
    FEE = 0.00055
    SIZE = 1
    SHARE = 0.05
    LOT = 0.125
    CASH = 10_000_000


class Candles:
    """The columns of a folder, as they are stored; ``time`` is each candle's open, nanoseconds UTC."""

    def __init__(self, folder):
        self.time = np.load(os.path.join(folder, "time.npy"))
        self.open, self.high, self.low, self.close, self.volume = (
            np.load(os.path.join(folder, f"{name}.npy")) for name in COLUMNS
        )

    def __len__(self):
        return len(self.time)


def seeded(close, period):
    """Closes whose plain exponential average, begun at the first, is that of a seed of ``period`` closes.

    Until the seed is there it stays level; an average that is not there yet crosses nothing, so signals of the first
    ``period - 1`` candles are to be left out.
    """
    made = close.copy()
    made[:period] = close[:period].sum() / period
    return made


def averages(period):
    """An average's step: the value after each close, ``None`` until there is one."""
    alpha, seen, total, value = 2.0 / (period + 1), 0, 0.0, None

    def step(close):
        nonlocal seen, total, value
        if value is not None:
            value = value + alpha * (close - value)
            return value
        seen += 1
        total += close
        if seen == period:
            value = total / period
        return value

    return step


def pairs(count):
    """So many pairs of a fast and a slow period: 40 fast ones, the slow ones as many as it takes."""
    slow = [*range(50, 201)]
    rows = max(1, -(-count // 40))
    chosen = [slow[place * len(slow) // rows] for place in range(rows)]
    return [(fast, other) for other in chosen for fast in range(2, 42)][:count]


def cpu():
    """Seconds of CPU of this process, all threads."""
    return time.process_time()


class Answer:
    """Collects what one process found, and writes it."""

    def __init__(self, package=""):
        self.found = {"package": package, "version": version(package) if package else "", "runs": [], "notes": []}
        self.found["python"] = platform.python_version()
        self._since = cpu()

    def loaded(self):
        """Candles are in the peer's own form: what follows is the run."""
        self.found["load"] = cpu() - self._since

    def run(self, work, times=1):
        """Do ``work`` so many times, measured; the result of the last. The first may compile, the others are warm."""
        result = None
        for _ in range(times):
            result = None  # what the run before left is given back first
            before, wall = cpu(), time.perf_counter()
            result = work()
            self.found["runs"].append({"cpu": cpu() - before, "wall": time.perf_counter() - wall})
        return result

    def write(self, path, at, side, price, qty, equity):
        """Fills in order: time (ns), 1 buy or -1 sell, price, coins; and the account at the last close."""
        np.savez(
            path + ".npz", at=np.asarray(at, np.int64), side=np.asarray(side, np.int8),
            price=np.asarray(price, np.float64), qty=np.asarray(qty, np.float64),
        )  # fmt: skip
        self._tell(path, equity)

    def write_returns(self, path, returns):
        """Of a sweep: what each pair of :func:`pairs` made of the cash, as a fraction of it."""
        np.savez(path + ".npz", returns=np.asarray(returns, np.float64))
        self._tell(path, Rules.CASH * (1 + float(np.max(returns))))

    def _tell(self, path, equity):
        self.found["equity"] = float(equity)
        with open(path + ".json", "w") as file:
            json.dump(self.found, file)


def asked():
    """Folder, answer and further words of the command line."""
    return sys.argv[1], sys.argv[2], sys.argv[3:]
