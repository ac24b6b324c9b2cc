"""The matching engine as a backtest uses it: one account, one level per side, market orders, prints and marks."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial

from tests.benchmarks.measure import Effort, Goal, Row, cpu_us, interleaved
from tradectl.matching.exchange import Exchange
from tradectl.matching.records import FillHappened, Happening, NewOrder, OrderHappened
from tradectl.matching.views import AccountFees
from tradectl.matching.walk import Step
from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.model.orders import OrderType, Side, Trigger

UID = "bench"
SYMBOLS = [InstrumentId(Category.LINEAR, f"C{number:02}USDT") for number in range(20)]
FIRST = SYMBOLS[0]
#: What a simulated venue reads.
READ: frozenset[type[Happening]] = frozenset({FillHappened, OrderHappened})
TICK, LOT = Decimal("0.1"), Decimal("0.001")


def _instrument(key: InstrumentId) -> Instrument:
    return Instrument(
        key, key.symbol[:3], "USDT", "USDT", TICK, LOT, LOT, Decimal(1190), Decimal(500), Decimal(5), TICK,
        Decimal("1999999.8"), Decimal(100), 480, Decimal("0.01"), Decimal("0.02"),
    )  # fmt: skip


def _venue(count: int, held: int = 0) -> Exchange:
    """``count`` instruments at 50,000 with a level per side; a position in the first ``held``."""
    venue = Exchange(
        [_instrument(key) for key in SYMBOLS[:count]], seed="bench", publish=READ, remember_links=False, plain_ids=True,
    )  # fmt: skip
    venue.open_account(UID, AccountFees(), 0)
    venue.deposit(UID, "USDT", Decimal(1_000_000), 0)
    for key in SYMBOLS[:count]:
        venue.set_mark(key, Decimal(50_000), Decimal(50_000), 0)
        venue.set_last(key, Decimal(50_000), 0)
        venue.set_book(key, *_levels(500_000), 0)
    for key in SYMBOLS[:held]:
        venue.place(UID, NewOrder(key, Side.BUY, OrderType.MARKET, Decimal("0.1")), 0)
    return venue


def _levels(ticks: int) -> tuple[list[tuple[Decimal, Decimal]], list[tuple[Decimal, Decimal]]]:
    return [((ticks - 1) * TICK, Decimal(1_000_000))], [((ticks + 1) * TICK, Decimal(1_000_000))]


def _market(venue: Exchange, count: int) -> int:
    """Buys and sells in turn: opens, adds and closes."""
    sides = (Side.BUY, Side.BUY, Side.SELL, Side.SELL)
    asked = [
        NewOrder(FIRST, sides[number % 4], OrderType.MARKET, Decimal("0.01"), link_id=f"m{number}")
        for number in range(count)
    ]
    for now, request in enumerate(asked):
        venue.place(UID, request, now)
    return count


def _limit(venue: Exchange, count: int) -> int:
    """Rest below the market, then be run through."""
    price, through = Decimal("49990"), Decimal("49980")
    for now in range(count):
        side = Side.BUY if now % 2 else Side.SELL
        away, beyond = (price, through) if now % 2 else (Decimal("50010"), Decimal("50020"))
        venue.place(UID, NewOrder(FIRST, side, OrderType.LIMIT, LOT, away, link_id=f"l{now}"), now)
        venue.print_trade(FIRST, side.opposite, beyond, Decimal(1), now)
    return count


def _books(venue: Exchange, count: int) -> int:
    pictures = [_levels(500_000 + number % 200) for number in range(count)]
    for now, (bids, asks) in enumerate(pictures):
        venue.set_book(FIRST, bids, asks, now)
    return count


def _marks(venue: Exchange, count: int) -> int:
    marks = [(500_000 + number % 200) * TICK for number in range(count)]
    for now, mark in enumerate(marks):
        venue.set_mark(FIRST, mark, mark, now)
    return count


def _prints(venue: Exchange, count: int) -> int:
    prices = [(500_000 + number % 200) * TICK for number in range(count)]
    one = Decimal(1)
    for now, price in enumerate(prices):
        venue.print_trade(FIRST, Side.SELL, price, one, now)
    return count


def _waited(venue: Exchange, count: int) -> int:
    """As :func:`_prints`, with an order that no print reaches."""
    venue.place(UID, NewOrder(FIRST, Side.BUY, OrderType.LIMIT, LOT, Decimal("49500")), 0)
    return _prints(venue, count)


def _fundings(venue: Exchange, count: int) -> int:
    rate = Decimal("0.0001")
    for now in range(count):
        venue.settle_funding(FIRST, rate, now)
    return count


def _steps(venue: Exchange, count: int) -> int:
    """The way of a price past nobody."""
    steps = []
    for number in range(count):
        ticks = 500_000 + number % 200
        steps.append(Step(ticks * TICK, 10**9, {1 - ticks: 10**9}, {ticks + 1: 10**9}, None))
    for now, step in enumerate(steps):
        venue.walk(FIRST, step, now)
    return count


def _guarded(venue: Exchange, count: int) -> int:
    """As :func:`_steps`, past an order that rests and a stop that waits."""
    venue.place(UID, NewOrder(FIRST, Side.BUY, OrderType.LIMIT, LOT, Decimal(49_500)), 0)
    stop = Trigger(Decimal(49_000), False)
    venue.place(UID, NewOrder(FIRST, Side.SELL, OrderType.MARKET, LOT, trigger=stop), 0)
    return _steps(venue, count)


def _bounds(venue: Exchange, count: int) -> int:
    for _ in range(count):
        venue.liquidation_bounds(UID, FIRST)
    return count


Work = Callable[[Exchange, int], int]

#: Name, what it is, instruments, positions, microseconds wanted, work.
_JOBS: tuple[tuple[str, str, int, int, float, Work], ...] = (
    ("market", "a market order that fills at one level: place and everything it changes", 1, 0, 12, _market),
    ("limit", "a limit order that rests, and the print that fills it", 1, 0, 20, _limit),
    ("book", "a new picture of one level per side", 1, 0, 3, _books),
    ("mark.flat", "a new mark with no position", 1, 0, 2, _marks),
    ("mark.held", "a new mark with a position far from liquidation", 1, 1, 2, _marks),
    ("mark.many", "as mark.held, with positions in 20 instruments", 20, 20, 2, _marks),
    ("print.idle", "a print with no order in the book", 1, 0, 1, _prints),
    ("print.missed", "a print that does not reach the resting order", 1, 0, 1, _waited),
    ("walk.free", "a step of a price's way with a position and no order", 1, 1, 5, _steps),
    ("walk.watched", "as walk.free, past a resting order and a stop", 1, 1, 6, _guarded),
    ("bounds", "the marks between which nothing is liquidated", 1, 1, 5, _bounds),
    ("funding.one", "a funding settlement with one position", 1, 1, 20, _fundings),
    ("funding.many", "as funding.one, with positions in 20 instruments", 20, 20, 20, _fundings),
)


def _measured(work: Work, instruments: int, held: int, count: int) -> float:
    venue = _venue(instruments, held)
    return cpu_us(partial(work, venue, count))


def rows(effort: Effort) -> Iterator[Row]:
    """One row per action."""
    for name, what, instruments, held, wanted, work in _JOBS:
        count = effort.count(4_000, least=20)
        found = interleaved(effort.rounds, {"own": partial(_measured, work, instruments, held, count)})
        yield Row(
            name=f"matching.{name}", what=f"{what}, CPU", unit="us", values=found["own"], goals=(Goal(wanted),)
        )  # fmt: skip
