"""What simply holding the instruments would have made: equal parts bought at the first price, no costs."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from tradectl.backtest.job import BacktestResult, PriceBar
from tradectl.performance.metrics import Metrics, metrics
from tradectl.performance.returns import Mark, opening_mark


class Held(Struct, frozen=True):
    """One holding: ``levels`` is its worth at times, 1 when it was bought; ``figures`` are measured on it."""

    name: str
    levels: tuple[tuple[int, float], ...]
    figures: Metrics


def buy_and_hold(result: BacktestResult) -> tuple[Held, ...]:
    """All instruments together first (named ``""``), then each; none when the result has no prices.

    An instrument whose prices begin later is held in cash until then.
    """
    own = {name: [bar for bar in bars if bar.at >= result.job.since] for name, bars in result.prices.items()}
    prices = {name: bars for name, bars in own.items() if bars and bars[0].open > 0}
    if not prices:
        return ()
    since = result.job.since
    return (_held("", prices, since), *(_held(name, {name: bars}, since) for name, bars in prices.items()))


def _held(name: str, prices: Mapping[str, Sequence[PriceBar]], since: int) -> Held:
    levels = _levels(prices)
    marks = [opening_mark(since, Decimal(1))] + [Mark(at, Decimal(repr(level))) for at, level in levels]
    return Held(name, tuple(levels), metrics(marks, ()))


def _levels(prices: Mapping[str, Sequence[PriceBar]]) -> list[tuple[int, float]]:
    """Mean of close / first open over all instruments, at every time one of them has a bar."""
    moves = sorted((bar.at, name, bar.close / bars[0].open) for name, bars in prices.items() for bar in bars)
    now = dict.fromkeys(prices, 1.0)
    found: dict[int, float] = {}
    for at, name, level in moves:
        now[name] = level
        found[at] = sum(now.values()) / len(now)
    return list(found.items())
