"""Kernels from a run's money to what is looked at: equity at each bar, and the figures of a sweep."""

from typing import Any

import numpy as np

from tradectl.backtest.arrays.compiled import kernel

#: What :func:`figures` gives, in order.
FIGURES = ("total_return", "sharpe", "max_drawdown", "trades", "win_rate", "profit_factor", "fees", "funding")
_YEAR = 365


@kernel
def curve(rules: Any, close: Any, stands: Any, first: int) -> Any:
    """Equity in coin at the end of each bar from ``first`` on; ``close`` begins there."""
    r = rules[0]
    out = np.empty(len(close))
    ledger, lots, at = r.cash, 0, 0
    for stand in range(len(stands) + 1):
        until = stands[stand].bar - first if stand < len(stands) else len(close)
        for i in range(at, min(until, len(close))):
            out[i] = (ledger + np.int64(np.rint(close[i] / r.tick)) * (lots * r.step)) / 1e8
        at = max(at, until)
        if stand < len(stands):
            ledger, lots = stands[stand].ledger, stands[stand].lots
    return out


@kernel
def figures(rules: Any, days: Any, idle: int, account: Any) -> Any:
    """Of one run: :data:`FIGURES`. ``days`` is equity at the end of each day with a bar, ``idle`` how many had none.

    Definitions as in ``performance``; the first day begins with the cash.
    """
    r, d = rules[0], account[0]
    out = np.full(8, np.nan)
    out[0] = d.equity / r.cash - 1.0
    returns, level, top, deepest, total = np.empty(len(days)), 1.0, 1.0, 0.0, 0.0
    before = np.float64(r.cash)
    for i in range(len(days)):
        returns[i] = days[i] / before - 1.0
        before = np.float64(days[i])
        total += returns[i]
        level *= 1.0 + returns[i]
        top = max(top, level)
        deepest = min(deepest, level / top - 1.0)
    out[2] = deepest
    n = len(days) + idle
    if n > 1:
        mean = total / n
        square, most = idle * mean**2, 0.0
        for i in range(len(days)):
            square += (returns[i] - mean) ** 2
            most = max(most, abs(returns[i]))
        spread = np.sqrt(square / (n - 1))
        if spread > 1e-15 * most:
            out[1] = mean / spread * np.sqrt(float(_YEAR))
    out[3] = d.trips
    if d.trips:
        out[4] = d.won / d.trips
    if d.given:
        out[5] = d.gained / d.given
    out[6], out[7] = d.fees / 1e8, d.funding / 1e8
    return out
