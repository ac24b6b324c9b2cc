"""The compiled account: signals to fills to money, bar by bar where something happens and nowhere else.

Prices are whole ticks, sizes whole lots, money whole units of 1e-8, so that every amount is exact. Two kinds of
decisions are made in float64: how many lots a share of equity buys, and whether a limit is passed. One that lies
nearer to flipping than its rounding error makes the run *doubtful*; whoever asked runs it again exactly.

What happens at the end of a bar has this order: funding due at that moment, the strategy's decision (with its fill when
orders arrive at once), then the mark of the day.
"""

from typing import Any

import numpy as np

from tradectl.backtest.arrays.ahead import AHEAD, look_ahead
from tradectl.backtest.arrays.amounts import in_ticks, taken_at
from tradectl.backtest.arrays.booked import begin, pay, stand, trade
from tradectl.backtest.arrays.codes import BROKE, LIMITED, OFF_TICK
from tradectl.backtest.arrays.compiled import kernel, part
from tradectl.backtest.arrays.orders import decided, has_margin, wanted


@part
def watch(top: float, bottom: float, a: Any, r: Any) -> None:
    """Note when a limit on losses, or the venue, may have spoken while prices went from ``top`` to ``bottom``."""
    one, other = top / r.tick * r.step * a.lots, bottom / r.tick * r.step * a.lots
    best, worst = a.ledger + max(one, other), a.ledger + min(one, other)
    if worst <= 0.02 * max(abs(one), abs(other)):
        a.flags |= BROKE
    a.high_water, a.day_top = max(a.high_water, best), max(a.day_top, best)
    fall, loss = a.high_water - worst, a.day_top - worst
    if fall >= r.drawdown * a.high_water * 0.999 or loss >= r.day_loss * a.day_top * 0.99:
        a.flags |= LIMITED


@kernel
def simulate(
    rules: Any, codes: Any, times: Any, open_: Any, high: Any, low: Any, close: Any, first: int, day_ends: Any,
    funded: Any, fills: Any, stands: Any, days: Any, account: Any,
) -> None:  # fmt: skip
    """Run one strategy from bar ``first`` on; ``codes`` (a multiple of eight long) say what it wants at each close.

    ``day_ends`` are the last bars of the UTC days, ``funded`` rows of bar, numerator, denominator, and whether the
    payment comes after the bar's decision. ``fills``, ``stands``, ``days`` and ``account`` are filled in; of the first
    two only what fits is kept, ``account`` counts all.
    """
    r, a, words, end = rules[0], account[0], codes.view(np.uint64), len(close)
    begin(a, r)
    watched = r.day_loss < 1.0 or r.drawdown < 1.0
    day, day_end = 0, day_ends[0] if len(day_ends) else end
    paid, payday = 0, funded[0, 0] if len(funded) else end
    bars, prices, coming = np.empty(AHEAD, np.int64), np.empty(AHEAD), 0
    looked = look_ahead(words, close, first, end, bars, prices)
    since, at = first, bars[0]
    while True:
        due = a.entered + r.patience if r.patience and a.lots != 0 else end
        if due < since:  # its order could not arrive any more
            due = end
        bar = min(min(at, due), min(day_end, payday))
        if bar >= end:
            break
        code: Any = 0
        if bar != at:
            price = close[bar]
        else:
            price, code = prices[coming], np.int64(codes[bar])
            coming += 1
            if coming == AHEAD:
                looked, coming = look_ahead(words, close, looked, end, bars, prices), 0
            at = bars[coming]
        mark, fine = in_ticks(price, r)
        if not fine:
            a.flags |= OFF_TICK
        if a.lots != 0 and (watched or a.lots < 0 or r.borrows):
            top, bottom = high[since], low[since]
            for i in range(since + 1, bar + 1):
                top = high[i] if high[i] > top else top
                bottom = low[i] if low[i] < bottom else bottom
            watch(top, bottom, a, r)
        since = bar + 1
        while payday == bar and funded[paid, 3] == 0:
            if a.lots != 0:
                pay(mark, funded[paid, 1], funded[paid, 2], a, r)
                stand(bar, a, stands)
            paid += 1
            payday = funded[paid, 0] if paid < len(funded) else end
        if day_end == bar and r.late:
            days[day] = a.ledger + a.lots * mark * r.step
        move = wanted(code, a.lots, bar == due, r.entry)
        if move == 1 or move == -1 or (move == 0 and a.lots != 0):
            sign, closing, closes, opening, opens = decided(move, a.ledger + a.lots * mark * r.step, mark, price, a, r)
            when, here = bar, mark
            if r.late:
                when = bar + 1
                if when < end and r.opens and times[when] - times[bar] == r.length:
                    price = open_[when]
                    here, fine = in_ticks(price, r)
                    if not fine and closing + opening:
                        a.flags |= OFF_TICK
            if when < end and closing + opening:
                ticks = taken_at(price, here, sign > 0, r)
                if closing:
                    trade(sign, closing, closes, ticks, when, bar, a, r, fills)
                if opening:
                    if has_margin(opening, opens, here, ticks, a, r):
                        trade(sign, opening, opens, ticks, when, bar, a, r, fills)
                    else:
                        a.refused += 1
                stand(when, a, stands)
        if day_end == bar:
            if not r.late:
                days[day] = a.ledger + a.lots * mark * r.step
            a.day_top = days[day]
            a.high_water = max(a.high_water, a.day_top)
            day += 1
            day_end = day_ends[day] if day < len(day_ends) else end
        while payday == bar:
            if a.lots != 0:
                pay(mark, funded[paid, 1], funded[paid, 2], a, r)
                stand(bar + 1, a, stands)
            paid += 1
            payday = funded[paid, 0] if paid < len(funded) else end
    mark, fine = in_ticks(close[end - 1], r)
    if not fine:
        a.flags |= OFF_TICK
    a.equity = a.ledger + a.lots * mark * r.step
