"""Kernels of exact amounts and of prices: whole ticks, whole lots, whole units of 1e-8.

Sources: ``matching/booking.py`` for fees and their rounding, ``simulation/display.py`` for the prices a taker gets.
"""

from typing import Any

import numpy as np

from tradectl.backtest.arrays.compiled import part

#: Products up to here are whole numbers of 64 bits.
_ROOM = 4e18
#: Part of an amount within which its rounding error lies, for sizes.
_NEAR = 4e-15


@part
def share_of(value: int, num: int, den: int) -> int:
    """``value x num / den`` rounded half to even, without the product growing beyond its parts; ``den > 0``."""
    whole = value // den if abs(value * float(num)) > _ROOM else 0
    rest = (value - whole * den) * num
    low = rest // den
    answer, twice = whole * num + low, 2 * (rest - low * den)
    return answer + 1 if twice > den or (twice == den and answer & 1) else answer


@part
def fees_of(lots: int, count: int, ticks: int, r: Any) -> int:
    """The fees of ``lots`` in ``count`` nearly equal orders, each rounded for itself."""
    if count == 1:
        return share_of(lots * ticks * r.step, r.fee_num, r.fee_den)
    each = lots // count
    more = lots - each * count
    value = each * ticks * r.step
    fee = share_of(value, r.fee_num, r.fee_den) * (count - more)
    if more:
        fee += share_of(value + ticks * r.step, r.fee_num, r.fee_den) * more
    return fee


@part
def whole_lots(amount: float) -> Any:
    """``amount`` rounded down, and whether it is too near to a whole number to be sure."""
    near = np.rint(amount)
    return np.int64(np.floor(amount)), abs(amount - near) <= amount * _NEAR


@part
def in_ticks(price: float, r: Any) -> Any:
    """A price in whole ticks, and whether it lies on one."""
    whole = np.rint(price / r.tick)
    return np.int64(whole), whole * r.tick_num / r.tick_den == price


@part
def spread_at(price: float, r: Any) -> Any:
    """Distance of bid and ask from the price, in ticks."""
    if r.spread_bps == 0.0:
        return r.spread
    return max(r.spread, np.int64(np.rint(price * r.spread_bps / 10_000 / r.tick)))


@part
def worse_by(price: float, r: Any) -> Any:
    """Slippage in ticks."""
    return np.int64(np.rint(price * r.slip_bps / 10_000 / r.tick)) if r.slip_bps != 0.0 else 0


@part
def taken_at(price: float, ticks: int, buys: bool, r: Any) -> Any:
    """The ticks a taker pays or gets while the price stands at ``price``, which is ``ticks``."""
    half, worse = spread_at(price, r), worse_by(price, r)
    if buys:
        return ticks + half + worse
    return max(max(ticks - half, 1) - worse, 1)
