"""Kernels from what the strategy wants to orders: sizes as ``engine/targets.py`` makes them, refused as live.

Sources of the refusals: ``engine/risk_checks`` and, for margin, ``matching/order_checks.py``.
"""

from typing import Any

import numpy as np

from tradectl.backtest.arrays.amounts import spread_at, whole_lots
from tradectl.backtest.arrays.codes import (
    ALWAYS,
    BROKE,
    DOUBTFUL,
    ENDLESS,
    FLAT,
    LEAVE_LONG,
    LEAVE_SHORT,
    LONG,
    SHORT,
    SLICED,
)
from tradectl.backtest.arrays.compiled import part

_CLOSE = 1e-12
_ROOF = float(1 << 60)


@part
def wanted(code: int, lots: int, due: bool, entry: int) -> int:
    """What the strategy does: 1 long, -1 short, 0 close, 2 nothing."""
    if entry == FLAT:
        if lots > 0:
            return 0 if (code & LEAVE_LONG) or due else 2
        if lots < 0:
            return 0 if (code & LEAVE_SHORT) or due else 2
        return 1 if code & LONG else (-1 if code & SHORT else 2)
    if code & LONG and (entry == ALWAYS or lots <= 0):
        return 1
    if code & SHORT and (entry == ALWAYS or lots >= 0):
        return -1
    return 0 if code & (LEAVE_LONG | LEAVE_SHORT) else 2


@part
def above(value: float, most: float) -> Any:
    """Whether ``value`` passes ``most``, and whether the two are too near to be sure."""
    return value > most, abs(value - most) <= _CLOSE * max(abs(value), abs(most))


@part
def refused(
    r: Any, equity: int, after: int, held: int, least: int, each: int, buys: bool, touch: int, mark: int
) -> Any:  # fmt: skip
    """Whether a limit refuses an entry: 0 or 1, with ``DOUBTFUL`` where that is too near to call.

    ``after`` and ``held`` are sizes after and before in lots, ``least`` and ``each`` those of the smallest and the
    largest order.
    """
    price = touch * r.collar if buys else float(touch)
    unit = max(price, float(mark)) * r.step
    own, worst = after * unit, max(after, held) * unit
    order = each * price * r.step
    answer = 0
    for value, share, most in (
        (order, r.order_share, r.order_value), (own, r.position_share, r.position_value),
        (worst, r.gross_share, r.gross_value), (worst, r.leverage, 0.0),
    ):  # fmt: skip
        limit = equity * share
        if most > 0.0 and most < limit:
            limit = most
        passed, near = above(value, limit)
        answer |= passed | (near * DOUBTFUL)
    if r.margin_share > 0.0:
        passed, near = above(worst / r.margin_leverage + order * r.taker, equity * r.margin_share)
        answer |= passed | (near * DOUBTFUL)
    passed, near = above(r.min_notional, least * price * r.step)
    answer |= passed | (near * DOUBTFUL)
    passed, near = above(float(abs(touch - mark)), mark * r.collar_limit)
    return answer | passed | (near * DOUBTFUL)


@part
def opening_orders(opening: int, equity: int, touch: int, buys: bool, r: Any) -> Any:
    """In how many orders so many lots go, and whether that is too near to call."""
    value = equity * r.order_share
    if r.order_value > 0.0 and r.order_value < value:
        value = r.order_value
    most, near = whole_lots(value / (touch * (r.collar if buys else 1.0) * r.step))
    most = min(most, r.most_lots)
    if most < r.min_lots or opening <= most:
        return 1, near
    return (opening + most - 1) // most, near


@part
def decided(move: int, equity: int, mark: int, close: float, a: Any, r: Any) -> Any:
    """What goes out: signed direction, lots that close and in how many orders, lots that open and in how many."""
    half = spread_at(close, r)
    bid, ask = max(mark - half, 1), mark + half
    size = 0
    if move != 0:
        amount = equity * r.buy_size / ask if move > 0 else equity * r.sell_size / bid
        if equity <= 0 or amount > _ROOF:
            a.flags |= BROKE if equity <= 0 else ENDLESS
            return 0, 0, 0, 0, 0
        size, near = whole_lots(amount)
        a.flags |= DOUBTFUL * near
    delta = size * move - a.lots
    buys = delta > 0
    sign, touch = (1, ask) if buys else (-1, bid)
    closing = min(abs(delta), abs(a.lots)) if a.lots * delta < 0 else 0
    opening = abs(delta) - closing
    closing, opening = closing if closing >= r.min_lots else 0, opening if opening >= r.min_lots else 0
    closes = 1 if closing <= r.most_lots else (closing + r.most_lots - 1) // r.most_lots
    closes = closes if closing else 0
    opens = 0
    if opening:
        opens, near = opening_orders(opening, equity, touch, buys, r)
        least = opening if opens == 1 else opening // opens
        each = opening if opens == 1 else (opening + opens - 1) // opens
        after = abs(a.lots + sign * (closing + opening))
        no = refused(r, equity, after, abs(a.lots), least, each, buys, touch, mark)
        a.flags |= (no & DOUBTFUL) | (DOUBTFUL * near)
        if no & 1 or each > r.most_lots or least < r.min_lots or (bid == ask and r.refuse_locked):
            a.refused += 1
            opening = opens = 0
    if closes + opens > r.slices:
        a.flags |= SLICED
    return sign, closing, closes, opening, opens


@part
def has_margin(opening: int, opens: int, mark: int, ticks: int, a: Any, r: Any) -> Any:
    """Whether the venue's margin carries ``opening`` more lots, ordered when the price stands at ``mark``."""
    unit = max(mark, ticks) * np.float64(r.step)
    need = opening * unit * (1.0 / r.venue_leverage + 2.0 * r.taker)
    used = abs(a.lots) * mark * np.float64(r.step) * (1.0 / r.venue_leverage + r.taker)
    free = a.ledger + a.lots * mark * r.step - used
    # Each of several orders must fit for itself, and rounds for itself: near the edge only the venue knows.
    slack = 4.0 + _CLOSE * abs(free) if opens == 1 else 0.01 * abs(free)
    if abs(need - free) <= slack:
        a.flags |= DOUBTFUL if opens == 1 else SLICED
    return need <= free
