"""What a run over arrays traded and paid, order by order, as the venue and the engine book it."""

from collections.abc import Iterator
from decimal import Decimal
from operator import attrgetter

from msgspec import Struct

from tradectl.backtest.arrays.prepared import Inputs
from tradectl.backtest.arrays.run import ArrayResult
from tradectl.backtest.closings import touches
from tradectl.engine.books import Book
from tradectl.history.series import Points
from tradectl.matching.grid import Grid
from tradectl.model.money import ZERO, exact, middle, to_coin
from tradectl.simulation.display import Display


class Happened(Struct, frozen=True, gc=False):
    """One order that filled, or one payment of funding (``trade`` -1, else the number of the run's trade it is of).

    ``number`` counts both, ``orders`` those that filled. ``qty`` > 0; ``held`` and ``position`` are the signed size
    before and after; ``arrival`` is the market's middle at the decision, made at ``decided``; ``rate`` is that of the
    fee or of funding. Times in nanoseconds.
    """

    number: int
    orders: int
    trade: int
    at: int
    decided: int
    sign: int
    qty: Decimal
    price: Decimal
    fee: Decimal
    rate: Decimal
    held: Decimal
    position: Decimal
    realised: Decimal
    arrival: Decimal


class _Trade(Struct, frozen=True, gc=False):
    at: int
    number: int
    decided: int
    lots: int
    ticks: int
    orders: int
    arrival: Decimal


class _Due(Struct, frozen=True, gc=False):
    at: int
    rate: Decimal
    mark: Decimal


_Move = _Trade | _Due


def happened(run: ArrayResult, funding: Points | None) -> Iterator[Happened]:
    """Everything in its order; funding is settled before the strategy hears of the bar that ends then."""
    own = run.asked.inputs
    grid, book, number, orders = Grid.of(own.instrument), Book(), 0, 0
    taker = own.job.models.fees.fees().linear_taker
    dues = list(_dues(own, funding))
    for it in sorted([*dues, *_trades(run)], key=attrgetter("at")) if dues else _trades(run):
        if isinstance(it, _Due):
            if book.size:
                number += 1
                yield _paid(number, orders, it, book.size)
            continue
        sign, price = (1 if it.lots > 0 else -1), grid.price(it.ticks)
        for lots in _parts(abs(it.lots), it.orders):
            number, orders, held, qty = number + 1, orders + 1, book.size, grid.qty(lots)
            fee = to_coin(grid.value(it.ticks, lots) * taker)
            realised = book.trade(sign, qty, price)
            yield Happened(
                number, orders, it.number, it.at, it.decided, sign, qty, price, fee, taker, held, book.size,
                realised, it.arrival,
            )  # fmt: skip


def _parts(lots: int, count: int) -> list[int]:
    """``lots`` in so many nearly equal orders, the bigger ones first."""
    if count == 1:
        return [lots]
    each, bigger = divmod(lots, count)
    return [each + 1] * bigger + [each] * (count - bigger)


def _paid(number: int, orders: int, due: _Due, held: Decimal) -> Happened:
    """As the venue reckons it: longs pay shorts."""
    sign, fee = (1 if held > 0 else -1), to_coin(held * due.mark * due.rate)
    return Happened(
        number, orders, -1, due.at, due.at, sign, abs(held), due.mark, fee, sign * due.rate, held, held, ZERO, ZERO
    )  # fmt: skip


def _dues(own: Inputs, funding: Points | None) -> Iterator[_Move]:
    """Settlements within the span, at the close of the bar before them."""
    ends = own.candles.open_time[own.first :] + own.length
    rows = zip(funding.ts.tolist(), funding.value.tolist(), strict=True) if funding is not None else ()
    closes = own.candles.close[own.first :]
    for ts, rate in rows:
        place = int(ends.searchsorted(ts, "right")) - 1
        if place >= 0 and ts <= ends[-1]:
            yield _Due(ts, exact(rate), exact(float(closes[place])))


def _trades(run: ArrayResult) -> Iterator[_Move]:
    own, latency, rows = run.asked.inputs, run.asked.inputs.job.models.latency, run.raw.fills
    bars = rows["decided"] + run.asked.start
    decided = (own.candles.open_time[bars] + own.length).tolist()
    bids, asks = touches(Display(own.instrument, own.job.models), own.candles.close[bars])
    columns = zip(decided, rows.tolist(), bids, asks, strict=True)
    for number, (end, (_, lots, ticks, _, orders, _), bid, ask) in enumerate(columns):
        heard = end + latency.market(end)
        yield _Trade(heard + latency.order(heard), number, heard, lots, ticks, orders, middle(bid, ask))
