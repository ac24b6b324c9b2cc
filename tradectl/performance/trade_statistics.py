"""What round trips say about a way of trading: how often it wins, how much, how long it holds."""

import math
from collections.abc import Iterable, Sequence
from decimal import Decimal

from msgspec import Struct

from tradectl.model.money import ZERO
from tradectl.performance.round_trips import RoundTrip


class TradeStatistics(Struct, frozen=True):
    """Ratios are NaN where they have no value: without trades, or (``payoff``, ``profit_factor``) without a loss.

    ``expectancy`` is the mean profit of a trade and ``payoff`` the mean win over the mean loss; times in seconds. A
    trade that ended at exactly 0 is neither won nor lost.
    """

    trades: int
    won: int
    lost: int
    win_rate: float
    profit_factor: float
    expectancy: Decimal
    payoff: float
    mean_win: Decimal
    mean_loss: Decimal
    best: Decimal
    worst: Decimal
    mean_holding_s: float
    longest_winning: int
    longest_losing: int


def trade_statistics(trips: Sequence[RoundTrip]) -> TradeStatistics:
    """Of the round trips that ended, in the order they ended."""
    pnls = [trip.pnl for trip in trips]
    wins, losses = [p for p in pnls if p > 0], [p for p in pnls if p < 0]
    gained, given = sum(wins, ZERO), -sum(losses, ZERO)
    mean_win, mean_loss = _mean(wins), _mean(losses)
    return TradeStatistics(
        trades=len(pnls),
        won=len(wins),
        lost=len(losses),
        win_rate=len(wins) / len(pnls) if pnls else math.nan,
        profit_factor=float(gained / given) if given else math.nan,
        expectancy=_mean(pnls),
        payoff=float(mean_win / -mean_loss) if mean_loss else math.nan,
        mean_win=mean_win,
        mean_loss=mean_loss,
        best=max(pnls, default=ZERO),
        worst=min(pnls, default=ZERO),
        mean_holding_s=sum(t.ended - t.began for t in trips) / len(trips) / 1e9 if trips else math.nan,
        longest_winning=_longest(p > 0 for p in pnls),
        longest_losing=_longest(p < 0 for p in pnls),
    )


def _mean(values: Sequence[Decimal]) -> Decimal:
    """Rounded to the eight decimals of a coin: a quotient need not end."""
    return round(sum(values, ZERO) / len(values), 8) if values else ZERO


def _longest(flags: Iterable[bool]) -> int:
    best = now = 0
    for flag in flags:
        now = now + 1 if flag else 0
        best = max(best, now)
    return best
