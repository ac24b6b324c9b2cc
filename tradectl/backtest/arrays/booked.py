"""Parts of the compiled account that change it: a trade, the end of a round trip, a payment of funding."""

from typing import Any

import numpy as np

from tradectl.backtest.arrays.amounts import fees_of, share_of
from tradectl.backtest.arrays.codes import ENDLESS
from tradectl.backtest.arrays.compiled import part

_ROOF = float(1 << 60)


@part
def begin(a: Any, r: Any) -> None:
    """The account before the first bar."""
    a.ledger = a.trip_from = r.cash
    a.high_water = a.day_top = r.cash


@part
def stand(bar: int, a: Any, stands: Any) -> None:
    """Note what the account is from ``bar`` on, while there is room."""
    if a.stands < len(stands):
        row = stands[a.stands]
        row.bar, row.ledger, row.lots = bar, a.ledger, a.lots
    a.stands += 1


@part
def pay(mark: int, num: int, den: int, a: Any, r: Any) -> None:
    """One funding payment of ``num / den`` of the position's value."""
    payment = share_of(a.lots * mark * r.step, num, den)
    a.ledger -= payment
    a.funding += payment


@part
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


@part
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
