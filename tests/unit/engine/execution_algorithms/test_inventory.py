"""Grid and DCA ladder against simulations of their rules that know nothing of orders."""

from decimal import Decimal
from math import ceil

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.engine.execution_algorithms.market import MINUTE, Market
from tests.unit.engine.harness import SPOT
from tradectl.model.commands import AlgorithmStatus, RiskApproved
from tradectl.model.orders import Side


class SlowGrid:
    """A grid that buys first: each slot is empty, waiting with an order, or full."""

    def __init__(self, lower: list[int], upper: list[int]) -> None:
        self.lower, self.upper = lower, upper
        self.full = [False] * len(lower)
        self.resting = [False] * len(lower)

    def move(self, tick: int) -> None:
        for n, lower in enumerate(self.lower):
            self.resting[n] |= not self.full[n] and lower < tick + 1
        for n in range(len(self.lower)):
            if self.full[n] and tick >= self.upper[n]:
                self.full[n] = False
                self.resting[n] = True
            elif not self.full[n] and self.resting[n] and tick <= self.lower[n]:
                self.full[n] = True


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(-25, 25), max_size=40), st.booleans())
def test_grid_buys_each_slot_and_gives_it_back_one_level_up(moves: list[int], geometric: bool) -> None:
    market = Market(100.0)
    spacing = "geometric" if geometric else "arithmetic"
    market.start("grid", Side.BUY, "1", low=95, high=105, levels=6, spacing=spacing)
    levels = [950, 969, 988, 1008, 1029, 1050] if geometric else [950, 970, 990, 1010, 1030, 1050]
    slow, tick = SlowGrid(levels[:-1], levels[1:]), 1000
    slow.move(1000)
    for move in moves:
        tick = max(min(tick + move, 1080), 920)
        market.move(tick / 10)
        slow.move(tick)
        assert market.position() == sum(slow.full) * Decimal("0.2")
    held = {Decimal(u) / 10 for u, full in zip(slow.upper, slow.full, strict=True) if full}
    assert set(market.resting(Side.SELL)) == held
    assert market.cancel(1).ok
    assert market.is_over()
    assert market.resting() == {}


def test_a_grid_that_sells_first_is_the_mirror() -> None:
    market = Market(100.0)
    market.start("grid", Side.SELL, "0.4", low=101, high=103, levels=3)
    market.move(102)
    assert market.position() == Decimal("-0.2")
    assert market.resting() == {Decimal(103): Decimal("0.2"), Decimal(101): Decimal("0.2")}
    market.move(101)
    assert market.position() == 0
    assert market.resting(Side.SELL) == {Decimal(102): Decimal("0.2"), Decimal(103): Decimal("0.2")}


def test_grid_closes_all_at_its_take_profit() -> None:
    market = Market(100.0)
    market.start("grid", Side.BUY, "0.4", low=96, high=98, levels=3, take_profit=99)
    assert market.is_over()  # the market is beyond it already: nothing is opened
    market = Market(97.5)
    market.start("grid", Side.BUY, "0.4", low=96, high=98, levels=3, take_profit=99)
    market.move(96.9)
    assert market.position() == Decimal("0.2")
    for order in market.venue.open_orders():
        order.price = Decimal(90) if order.side is Side.BUY else Decimal(200)  # nobody trades with what rests
    market.move(99.5)
    assert market.position() == 0
    assert market.is_over()
    assert market.last().reason == "take-profit reached"


def test_the_stop_of_a_grid_lies_at_the_venue_and_ends_it() -> None:
    market = Market(100.0)
    market.start("grid", Side.BUY, "0.4", low=96, high=98, levels=3, stop=90)
    specs = [c.order for c in market.bench.said(RiskApproved) if c.order is not None]
    assert all(o.protection is not None and o.protection.stop_loss == 90 for o in specs)
    market.move(95.5)
    assert market.position() == Decimal("0.4")
    stops = [o for o in market.venue.open_orders() if o.is_dormant]
    assert sum(o.qty for o in stops) == Decimal("0.4")
    for stop in stops:
        market.venue.trigger(stop)
        market.venue.fill(stop, stop.leaves, Decimal(90))
    market._hear()
    assert market.position() == 0
    assert market.is_over()
    assert "closed elsewhere" in market.last().reason
    market.move(110)
    assert market.position() == 0


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(-20, 20), max_size=25))
def test_a_grid_on_spot_never_sells_more_than_it_has(moves: list[int]) -> None:
    market, tick = Market(100.0), 1000
    before = market.venue.cash["BTC"]
    market.start("grid", Side.BUY, "1", SPOT, low=95, high=100, levels=6)
    for move in moves:
        tick = max(min(tick + move, 1040), 930)
        market.move(tick / 10)
        assert 0 <= market.position(instrument=SPOT) <= 1
        assert market.venue.cash["BTC"] >= before
        assert sum(market.resting(Side.SELL).values()) <= market.position(instrument=SPOT)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 6), st.sampled_from([50, 100, 130]), st.sampled_from(["1", "1.5", "2"]), st.integers(0, 6))
def test_the_exit_of_a_ladder_lies_above_the_average_of_what_filled(
    orders: int, step: int, scale: str, fills: int
) -> None:
    market = Market(100.0)
    market.start("dca", Side.BUY, "9", orders=orders, step=step / 100, step_scale="1", volume_scale=scale)
    weights = [Decimal(scale) ** n for n in range(orders + 1)]
    marks = [int(9000 * sum(weights[:n], Decimal(0)) / sum(weights)) for n in range(orders + 1)] + [9000]
    sizes = [Decimal(marks[n + 1] - marks[n]) / 1000 for n in range(orders + 1)]
    base = Decimal("100.1")
    prices = [int(base * (10_000 - step * n) / 1000) / Decimal(10) for n in range(orders + 1)]
    fills = min(fills, orders)
    if fills:
        market.move(float(prices[fills]))
    entries = [(base, sizes[0]), *zip(prices[1 : fills + 1], sizes[1 : fills + 1], strict=True)]
    held = sum((size for _, size in entries), Decimal(0))
    average = sum((price * size for price, size in entries), Decimal(0)) / held
    exit_price = ceil(average * Decimal("1.01") * 10) / Decimal(10)
    assert market.position() == held
    assert market.resting(Side.SELL) == {exit_price: held}
    assert market.resting(Side.BUY) == dict(zip(prices[fills + 1 :], sizes[fills + 1 :], strict=True))
    market.move(float(exit_price))
    assert market.position() == 0
    assert market.resting() == {}
    assert market.is_over()
    assert market.last().status is AlgorithmStatus.DONE


def test_the_exit_moves_by_amendment_and_never_leaves_the_book() -> None:
    market = Market(100.0)
    market.start("dca", Side.BUY, "1", orders=2)
    market.move(99)
    moved = [c.amendment for c in market.bench.said(RiskApproved) if c.amendment is not None]
    sells = [o for o in market.bench.creates() if o.side is Side.SELL]
    assert len(sells) == len(moved) == 1
    assert moved[0].qty == market.position()


def test_periodic_orders_keep_their_interval_and_make_nothing_up() -> None:
    market = Market(100.0)
    market.start("dca", Side.BUY, "1", orders=5, every_minutes=10, limit=100.5)
    market.move(101)
    market.wait(25 * MINUTE)  # two are missed
    market.move(100)
    market.wait(60 * MINUTE)
    assert market.sizes() == [Decimal("0.2")] * 3
    assert market.is_over()
