"""The compiled account: signals to fills to money, bar by bar where something happens and nowhere else.

Prices are whole ticks, sizes whole lots, money whole units of 1e-8, so that every amount is exact. Two kinds of
decisions are made in float64: how many lots a share of equity buys, and whether a limit is passed. One that lies
nearer to flipping than its rounding error makes the run *doubtful*; whoever asked runs it again exactly.

What happens at the end of a bar has this order: funding due at that moment, the strategy's decision (with its fill when
orders arrive at once), then the mark of the day.
"""

from typing import Any

import numpy as np

from tradectl.backtest.arrays.amounts import fees_of, in_ticks, share_of, taken_at
from tradectl.backtest.arrays.codes import BROKE, ENDLESS, LIMITED, OFF_TICK
from tradectl.backtest.arrays.compiled import kernel
from tradectl.backtest.arrays.orders import decided, has_margin, wanted

_ROOF = float(1 << 60)


@kernel
def next_code(codes: Any, words: Any, at: int, end: int) -> int:
    """The first bar from ``at`` on that has a code; ``end`` when there is none. Eight bars are looked at together."""
    while at < end and at & 7:
        if codes[at]:
            return at
        at += 1
    if at >= end:
        return end
    word, last = at >> 3, len(words)
    while word < last and words[word] == 0:
        word += 1
    at = word << 3
    while at < end:
        if codes[at]:
            return at
        at += 1
    return end


@kernel
def stand(bar: int, a: Any, stands: Any) -> None:
    """Note what the account is from ``bar`` on, while there is room."""
    if a.stands < len(stands):
        row = stands[a.stands]
        row.bar, row.ledger, row.lots = bar, a.ledger, a.lots
    a.stands += 1


@kernel
def watch(since: int, bar: int, high: Any, low: Any, a: Any, r: Any) -> None:
    """Note when a limit on losses, or the venue, may have spoken while the position was held from ``since`` on."""
    top, bottom = high[since], low[since]
    for i in range(since + 1, bar + 1):
        top = high[i] if high[i] > top else top
        bottom = low[i] if low[i] < bottom else bottom
    one, other = top / r.tick * r.step * a.lots, bottom / r.tick * r.step * a.lots
    best, worst = a.ledger + max(one, other), a.ledger + min(one, other)
    if worst <= 0.02 * max(abs(one), abs(other)):
        a.flags |= BROKE
    a.high_water, a.day_top = max(a.high_water, best), max(a.day_top, best)
    fall, loss = a.high_water - worst, a.day_top - worst
    if fall >= r.drawdown * a.high_water * 0.999 or loss >= r.day_loss * a.day_top * 0.99:
        a.flags |= LIMITED


@kernel
def pay(bar: int, mark: int, row: Any, a: Any, r: Any, stands: Any) -> None:
    """One funding payment, if there is a position."""
    if a.lots != 0:
        payment = share_of(a.lots * mark * r.step, row[1], row[2])
        a.ledger -= payment
        a.funding += payment
        stand(bar, a, stands)


@kernel
def count_trip(a: Any) -> None:
    """The position is flat again."""
    gain = a.ledger - a.trip_from
    a.trips += 1
    if gain > 0:
        a.won += 1
        a.gained += gain
    elif gain < 0:
        a.lost += 1
        a.given -= gain


@kernel
def trade(sign: int, lots: int, orders: int, ticks: int, when: int, bar: int, a: Any, r: Any, fills: Any) -> None:
    """Trade ``lots`` in so many orders at ``ticks``."""
    if lots * np.float64(ticks) * r.step > _ROOF:
        a.flags |= ENDLESS
        return
    fee = fees_of(lots, orders, ticks, r)
    if a.lots == 0:
        a.trip_from, a.entered = a.ledger, bar
    a.ledger -= sign * lots * ticks * r.step + fee
    a.lots += sign * lots
    a.fees += fee
    a.orders += orders
    if a.fills < len(fills):
        row = fills[a.fills]
        row.bar, row.lots, row.ticks, row.fee, row.orders, row.decided = when, sign * lots, ticks, fee, orders, bar
    a.fills += 1
    if a.lots == 0:
        count_trip(a)


@kernel
def act(
    move: int, bar: int, mark: int, times: Any, open_: Any, close: Any, a: Any, r: Any, fills: Any, stands: Any
) -> None:  # fmt: skip
    """Carry out what the strategy wants at the end of ``bar``: now, or when its orders arrive."""
    equity = a.ledger + a.lots * mark * r.step
    sign, closing, closes, opening, opens = decided(move, equity, mark, close[bar], a, r)
    when, price = bar, close[bar]
    if r.late:
        when = bar + 1
        if when >= len(close):
            return
        if r.opens and times[when] - times[bar] == r.length:
            price = open_[when]
    if closing + opening == 0:
        return
    here, fine = in_ticks(price, r)
    if not fine:
        a.flags |= OFF_TICK
    ticks = taken_at(price, here, sign > 0, r)
    if closing:
        trade(sign, closing, closes, ticks, when, bar, a, r, fills)
    if opening:
        if has_margin(opening, opens, here, ticks, a, r):
            trade(sign, opening, opens, ticks, when, bar, a, r, fills)
        else:
            a.refused += 1
    stand(when, a, stands)


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
    a.ledger = a.trip_from = r.cash
    a.high_water = a.day_top = r.cash
    watched = r.day_loss < 1.0 or r.drawdown < 1.0
    day, paid, since, at = 0, 0, first, next_code(codes, words, first, end)
    while True:
        due = a.entered + r.patience if r.patience and a.lots != 0 else end
        if due < since:  # its order could not arrive any more
            due = end
        bar = min(at, due, day_ends[day] if day < len(day_ends) else end)
        if paid < len(funded):
            bar = min(bar, funded[paid, 0])
        if bar >= end:
            break
        mark, fine = in_ticks(close[bar], r)
        if not fine:
            a.flags |= OFF_TICK
        if a.lots != 0 and (watched or a.lots < 0 or r.borrows):
            watch(since, bar, high, low, a, r)
        since = bar + 1
        while paid < len(funded) and funded[paid, 0] == bar and funded[paid, 3] == 0:
            pay(bar, mark, funded[paid], a, r, stands)
            paid += 1
        ends = day < len(day_ends) and day_ends[day] == bar
        if ends and r.late:
            days[day] = a.ledger + a.lots * mark * r.step
        move = wanted(codes[bar], a.lots, bar == due, r.entry)
        if bar == at:
            at = next_code(codes, words, bar + 1, end)
        if move == 1 or move == -1 or (move == 0 and a.lots != 0):
            act(move, bar, mark, times, open_, close, a, r, fills, stands)
        if ends:
            if not r.late:
                days[day] = a.ledger + a.lots * mark * r.step
            a.day_top = days[day]
            a.high_water = max(a.high_water, a.day_top)
            day += 1
        while paid < len(funded) and funded[paid, 0] == bar:
            pay(bar + 1, mark, funded[paid], a, r, stands)
            paid += 1
    mark, fine = in_ticks(close[end - 1], r)
    if not fine:
        a.flags |= OFF_TICK
    a.equity = a.ledger + a.lots * mark * r.step
