"""Kernel that numbers a run's decisions as the engine does: one that changes nothing is one, too."""

from typing import Any

import numpy as np

from tradectl.backtest.arrays.amounts import in_ticks
from tradectl.backtest.arrays.codes import ACCOUNT
from tradectl.backtest.arrays.compiled import kernel
from tradectl.backtest.arrays.orders import decided, wanted


@kernel
def too_late(move: int, close: float, account: Any, r: Any) -> int:
    """How many decisions with orders the last bar's move makes, none of which arrives any more."""
    box = np.zeros(1, ACCOUNT)
    a = box[0]
    a.lots, a.ledger = account[0].lots, account[0].ledger
    if move == 0 and a.lots == 0:
        return 0
    mark, _ = in_ticks(close, r)
    _, closing, _, opening, _ = decided(move, a.ledger + a.lots * mark * r.step, mark, close, a, r)
    return int(closing > 0) + int(opening > 0)


@kernel
def numbered(rules: Any, codes: Any, close: Any, first: int, fills: Any, account: Any, numbers: Any) -> Any:
    """Fill ``numbers`` with the number of the decision behind each of ``fills``; returns how many decisions there were
    and how many of them asked for nothing.

    ``account`` is the run's final record: what the last bar decides where orders take time follows from it.
    """
    r, end, lots, made, idle, entered, at = rules[0], len(close), 0, 0, 0, 0, 0
    for bar in range(first, end):
        due = r.patience != 0 and lots != 0 and bar == entered + r.patience
        if codes[bar] == 0 and not due:
            continue
        move = wanted(codes[bar], lots, due, r.entry)
        if move == 2:
            continue
        if at == len(fills) or fills[at].decided != bar:
            asked = too_late(move, close[bar], account, r) if r.late and bar == end - 1 else 0
            idle += int(asked == 0)
            made += max(asked, 1)
        while at < len(fills) and fills[at].decided == bar:
            made += 1
            numbers[at] = made
            if lots == 0:
                entered = bar
            lots += fills[at].lots
            at += 1
    return made, idle
