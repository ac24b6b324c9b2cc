"""The bare kernel: what a sweep costs at the least. Averages once each, then a loop of a few lines for each pair."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from handover import Answer, Candles, Rules, asked, pairs, seeded
from kernels import average, walk


def swept(close, rows, threads):
    """Total return of each pair."""
    periods = sorted({period for row in rows for period in row})
    known = {period: np.empty_like(close) for period in periods}
    returns = np.empty(len(rows))

    def one(number):
        fast, slow = rows[number]
        end = walk(
            close, known[fast], known[slow], slow, float(Rules.CASH), Rules.FEE, Rules.SHARE, Rules.LOT
        )  # fmt: skip
        returns[number] = end / Rules.CASH - 1

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda it: average(seeded(close, it), it, known[it]), periods))
        list(pool.map(one, range(len(rows))))
    return returns


def main():
    folder, path, words = asked()
    answer = Answer("numba")
    close, rows = Candles(folder).close, pairs(int(words[0]))
    answer.loaded()
    threads = len(os.sched_getaffinity(0))
    returns = answer.run(lambda: swept(close, rows, threads), times=int(words[1]))
    answer.write_returns(path, returns)


main()
