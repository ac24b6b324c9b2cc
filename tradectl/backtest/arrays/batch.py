"""Several sets of signals over the same candles, run in one call of a kernel.

A call takes a while to set up, and a thread that comes back from one waits for the interpreter's lock; a sweep would
pay both for each of its pairs.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from tradectl.backtest.arrays.codes import ACCOUNT, FILL, STAND, is_undecided
from tradectl.backtest.arrays.compiled import kernel
from tradectl.backtest.arrays.curve import FIGURES, figures
from tradectl.backtest.arrays.exact import simulate_exactly
from tradectl.backtest.arrays.prepared import Asked, Inputs
from tradectl.backtest.arrays.rules import RULES
from tradectl.backtest.arrays.simulate import simulate


@kernel
def simulate_all(
    rules: Any, codes: Any, starts: Any, times: Any, open_: Any, high: Any, low: Any, close: Any, first: int,
    day_ends: Any, funded: Any, idle: int, fills: Any, stands: Any, days: Any, accounts: Any, table: Any,
) -> None:  # fmt: skip
    """:func:`simulate` for each row of ``codes``, which begins at bar ``starts`` of the arrays, and its figures."""
    for row in range(len(starts)):
        start = starts[row]
        own = funded.copy()
        own[:, 0] -= start
        simulate(
            rules[row : row + 1], codes[row], times[start:], open_[start:], high[start:], low[start:], close[start:],
            first - start, day_ends - start, own, fills, stands, days[row], accounts[row : row + 1],
        )  # fmt: skip
        table[row] = figures(rules[row : row + 1], days[row], idle, accounts[row : row + 1])


class Batch:
    """Room for the signals of some runs, and their figures."""

    def __init__(self, inputs: Inputs, room: int) -> None:
        self._inputs = inputs
        self._asked: list[Asked] = []
        self._codes = np.empty((room, (len(inputs.candles) + 7) // 8 * 8), np.uint8)

    def room(self) -> Any:
        """Where the codes of the next signals go."""
        return self._codes[len(self._asked)]

    def add(self, asked: Asked) -> None:
        """Take the signals whose codes went into :meth:`room`."""
        self._asked.append(asked)

    def run(self) -> Iterator[tuple[Any, int]]:
        """Run them all. Gives :data:`FIGURES` and the flags of each, in order, exactly where float64 cannot decide."""
        count, own = len(self._asked), self._inputs
        if not count:
            return
        accounts, table = np.zeros(count, ACCOUNT), np.empty((count, len(FIGURES)))
        rules = np.concatenate([it.rules.view(np.uint8) for it in self._asked]).view(RULES)
        starts = np.array([it.start for it in self._asked])
        days, candles = np.zeros((count, len(own.days)), np.int64), own.candles
        simulate_all(
            rules, self._codes, starts, candles.open_time, candles.open, candles.high, candles.low, candles.close,
            own.first, own.days, own.funding, own.idle, np.empty(0, FILL), np.empty(0, STAND), days, accounts, table,
        )  # fmt: skip
        for asked, row, flags in zip(self._asked, table, accounts["flags"].tolist(), strict=True):
            yield (row, flags) if not is_undecided(flags) else _exactly(asked)


def _exactly(asked: Asked) -> tuple[Any, int]:
    _, _, days, account = simulate_exactly(asked)
    return figures(asked.rules, days, asked.inputs.idle, account), int(account["flags"][0])
