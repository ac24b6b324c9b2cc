"""A market order that fills at once in a straight line does what it does in the general way: what is said, what is so.

Two venues live the same life, one of them never knowing the straight line. After each step both say the same, are
written down as the same bytes, and have the same margins and the same bounds of liquidation.
"""

from decimal import Decimal as D
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.engine.harness import BTC, COIN, ETH, MINUTE, SPOT, T0, instrument
from tradectl.matching.margin import margin_of, plain_margin
from tradectl.matching.saved import SavedExchange
from tradectl.model.commands import CancelOrder, Reconcile, RiskApproved
from tradectl.model.events import Event, Executed
from tradectl.model.instruments import Instrument
from tradectl.model.money import use_exact_context
from tradectl.model.orders import Execution, OrderSpec, OrderType, Protection, Side, TimeInForce, Trigger
from tradectl.simulation.display import Display
from tradectl.simulation.models import FixedFunding, FixedLatency, FixedSlippage, FixedSpread, Models, VolumeShare
from tradectl.simulation.streamed_venue import StreamedVenue
from tradectl.simulation.venue import UID, SimulatedVenue

INSTRUMENTS = (
    instrument(BTC, "0.1", "0.001", max_leverage=D(10), funding_interval=480),
    instrument(ETH, "0.05", "0.01", max_leverage=D(10), funding_interval=480),
    instrument(SPOT, "0.1", "0.0001"),
    Instrument(
        COIN,
        "BTC",
        "USD",
        "BTC",
        D("0.5"),
        D(1),
        D(1),
        D(10**6),
        D(10**6),
        D(5),
        max_leverage=D(10),
        funding_interval=480,
    ),
)
#: What is done to a venue: its kind and more.
Doing = tuple[Any, ...]
FLOW = (BTC, BTC, BTC, ETH, SPOT, COIN)


class General(SimulatedVenue):
    """One that knows no straight line."""

    def _at_once(self, display: Display, spec: OrderSpec, now: int) -> Executed | None:
        return None


class Counting(SimulatedVenue):
    """One that notes what went the straight way."""

    taken = 0

    def _at_once(self, display: Display, spec: OrderSpec, now: int) -> Executed | None:
        done = super()._at_once(display, spec, now)
        self.taken += done is not None
        return done


models = st.builds(
    Models,
    spread=st.sampled_from([FixedSpread(0), FixedSpread(1), FixedSpread(0, 3.0)]),
    slippage=st.sampled_from([FixedSlippage(), FixedSlippage(2.0), FixedSlippage(0.0, 50.0), FixedSlippage(700.0)]),
    liquidity=st.sampled_from([VolumeShare(), VolumeShare(), VolumeShare(0.05)]),
    latency=st.sampled_from([FixedLatency(), FixedLatency(0, 0, 1000)]),
    funding=st.just(FixedFunding()),
)
prices = st.one_of(
    st.sampled_from([100.0, 100.1, 99.95, 130.0, 61.5, 100.033]), st.integers(500, 1500).map(lambda t: t / 10)
)
quantities = st.sampled_from(["0.001", "0.05", "0.1", "1", "1", "1.0", "2", "3", "20", "400", "1001", "0.0015", "0"])
sides = st.sampled_from(list(Side))
names = st.sampled_from(FLOW)
steps = st.one_of(
    st.tuples(st.just("stand"), names, prices, st.sampled_from([0.0, 0.0, 99.0, 101.35])),
    st.tuples(st.just("step"), names, prices, st.booleans()),
    st.tuples(st.just("volume"), names, st.sampled_from([0.0, 10.0, 1000.0])),
    st.tuples(st.just("market"), names, sides, quantities, st.booleans(), st.sampled_from(["", "", "bad!", "used"])),
    st.tuples(st.just("market"), names, sides, quantities, st.just(False), st.just("")),
    st.tuples(st.just("market"), names, sides, quantities, st.just(False), st.just("")),
    st.tuples(st.just("limit"), names, sides, quantities, prices),
    st.tuples(st.just("stop"), names, sides, quantities, prices),
    st.tuples(st.just("bracket"), names, sides, quantities),
    st.tuples(st.just("cancel"), names, st.integers(0, 30)),
    st.tuples(st.just("settle"), st.sampled_from([BTC, ETH]), st.sampled_from(["0.0001", "-0.0003"])),
    st.tuples(st.just("truth")),
)  # fmt: skip


def spec_of(step: Doing, number: int) -> OrderSpec:
    kind, name, side, qty, *rest = step
    link, market, limit = f"o{number}", OrderType.MARKET, OrderType.LIMIT
    if kind == "market":
        return OrderSpec(rest[1] or link, name, side, market, D(qty), None, TimeInForce.IOC, rest[0])
    if kind == "limit":
        return OrderSpec(link, name, side, limit, D(qty), D(str(round(rest[0]))))
    if kind == "stop":
        trigger = Trigger(D(str(round(rest[0]))), rises=side is Side.BUY)
        return OrderSpec(link, name, side, market, D(qty), None, TimeInForce.IOC, True, trigger=trigger)
    legs = Protection(D(400), D(20)) if side is Side.BUY else Protection(D(20), D(400))
    return OrderSpec(link, name, side, market, D(qty), None, TimeInForce.IOC, protection=legs)


def lived(venue: SimulatedVenue, step: Doing, number: int) -> list[Event]:
    """What the venue says to one step."""
    now, kind = T0 + number * MINUTE, step[0]
    if kind == "stand":
        venue.stand(step[1], step[2], step[3])
        return []
    if kind == "step":
        return venue.step(step[1], step[2], now, jump=step[3])
    if kind == "volume":
        venue.displays[step[1]].volume = step[2]
        return []
    if kind == "settle":
        return venue.settle(step[1], D(step[2]), now)
    if kind == "truth":
        return venue.carry_out(Reconcile(now, "test"), now)
    if kind == "cancel":
        return venue.carry_out(CancelOrder(1, f"o{step[2]}", "", step[1]), now)
    return venue.carry_out(RiskApproved(number, number, spec_of(step, number)), now)


def state_of(venue: SimulatedVenue) -> tuple[object, ...]:
    """All there is to know but for the market, of which the exchange may hear later."""
    saved = msgspec.msgpack.decode(venue.exchange.save(), type=SavedExchange)
    shown = [(it.price, it.mark, it.volume) for it in venue.displays.values()]
    return msgspec.msgpack.encode((saved.ids, saved.accounts, saved.market)), shown, venue._updated


def all_of(venue: SimulatedVenue, now: int) -> tuple[object, ...]:
    """All there is to know, to the byte, once the exchange has heard of everything."""
    said = venue._catch_up(now)
    for display in venue.displays.values():
        venue._present(display, None, D(0))
    return said, venue.exchange.save(), dict(venue.behind)


def worth_of(venue: SimulatedVenue) -> tuple[object, ...]:
    """What the account is worth and where it would be liquidated; working it out brings what is kept up to date."""
    state = venue.exchange._state
    account = state.account(UID)
    assert margin_of(state, account) == plain_margin(state, account)
    return venue.exchange.account(UID), bounds_of(venue)


def bounds_of(venue: SimulatedVenue) -> list[object]:
    """Where nothing is liquidated, and what is held."""
    return [(venue.bounds(name), venue.holds(name), venue.is_watching(name)) for name in venue.instruments]


def opened(
    kind: type[SimulatedVenue], models: Models, cash: str, leverage: str, hedge: bool, bounded: bool, lone: bool
) -> SimulatedVenue:
    """``lone``: with one instrument."""
    instruments = INSTRUMENTS[:1] if lone else INSTRUMENTS
    venue = kind(instruments, models, cash={"USDT": D(cash)}, seed="s", leverage=D(leverage), hedge=hedge, now=T0)
    venue.terse, venue.is_bounded = True, bounded
    for name, display in venue.displays.items():
        venue.stand(name, 100.0)
        display.volume = 100.0
    return venue


@settings(max_examples=150, deadline=None)
@given(
    models,
    st.sampled_from(["100", "1000", "100000"]),
    st.sampled_from(["1", "1", "3", "10"]),
    st.sampled_from([False, False, False, True]),
    st.booleans(),
    st.booleans(),
    st.lists(steps, min_size=5, max_size=40),
    st.integers(1, 5),
)
def test_both_ways_say_and_do_the_same(
    models: Models,
    cash: str,
    leverage: str,
    hedge: bool,
    bounded: bool,
    lone: bool,
    flow: list[Doing],
    every: int,
) -> None:
    use_exact_context()
    straight, general = (
        opened(kind, models, cash, leverage, hedge, bounded, lone) for kind in (SimulatedVenue, General)
    )
    for number, step in enumerate(flow):
        if lone and len(step) > 1:
            step = (step[0], BTC, *step[2:])
        assert lived(straight, step, number) == lived(general, step, number)
        assert state_of(straight) == state_of(general)
        if number % every == 0:
            assert bounds_of(straight) == bounds_of(general)
            assert all_of(straight, T0 + number * MINUTE) == all_of(general, T0 + number * MINUTE)
            assert worth_of(straight) == worth_of(general)


PLAIN = st.lists(st.tuples(prices, sides, st.sampled_from(["0.1", "1", "2", "2.5"])), min_size=2, max_size=30)


@settings(max_examples=100, deadline=None)
@given(PLAIN, st.sampled_from(["1", "10"]), st.booleans(), st.booleans())
def test_plain_orders_one_after_another_go_the_straight_way(
    flow: list[tuple[float, Side, str]], leverage: str, reconciled: bool, lone: bool
) -> None:
    """All of them that the account can pay, but for the first, which makes the position."""
    use_exact_context()
    straight, general = (opened(it, Models(), "100000", leverage, False, True, lone) for it in (Counting, General))
    assert isinstance(straight, Counting)
    for number, (price, side, qty) in enumerate(flow):
        said = []
        for venue in (straight, general):
            venue.stand(BTC, price)
            said.append(lived(venue, ("market", BTC, side, qty, False, ""), number))
            assert [type(it) for it in said[-1]] == [Executed]
        assert said[0] == said[1]
        assert state_of(straight) == state_of(general)
        assert bounds_of(straight) == bounds_of(general)
        if reconciled:
            assert all_of(straight, T0 + number * MINUTE) == all_of(general, T0 + number * MINUTE)
            assert worth_of(straight) == worth_of(general)
    assert straight.taken >= len(flow) - 1


def run(*steps: Doing) -> tuple[Counting, list[Event]]:
    """A venue with 10,000 USDT that bought 2 BTC at 100, after these steps; and what it said to the last."""
    venue = opened(Counting, Models(), "10000", "1", False, True, False)
    assert isinstance(venue, Counting)
    said = lived(venue, ("market", BTC, Side.BUY, "2", False, ""), 0)
    before = venue.taken
    for number, step in enumerate(steps, 1):
        said = lived(venue, step, number)
    venue.taken -= before
    return venue, said


def execution_of(said: list[Event]) -> Execution:
    (event,) = said
    assert isinstance(event, Executed)
    return event.execution


def test_what_an_order_through_zero_says() -> None:
    venue, said = run(("stand", BTC, 110.0, 0.0), ("market", BTC, Side.SELL, "3", False, ""))
    it = execution_of(said)
    assert venue.taken == 1
    assert (it.price, it.qty, it.value, it.closed_qty) == (D("109.9"), D(3), D("329.7"), D(2))
    assert (it.pnl, it.fee) == (2 * (D("109.9") - D("100.1")), D("329.7") * D("0.00055"))
    assert venue.exchange.position(UID, BTC).size == -1


@pytest.mark.parametrize(
    "step",
    [
        ("market", BTC, Side.BUY, "200", False, ""),
        ("market", BTC, Side.BUY, "0.0015", False, ""),
        ("market", BTC, Side.BUY, "0.01", False, ""),
        ("market", BTC, Side.BUY, "600", False, ""),
        ("market", BTC, Side.BUY, "NaN", False, ""),
        ("market", BTC, Side.BUY, "1", True, ""),
        ("market", BTC, Side.SELL, "3", True, ""),
        ("market", BTC, Side.BUY, "1", False, "bad link!"),
        ("bracket", BTC, Side.BUY, "1"),
        ("market", SPOT, Side.BUY, "1", False, ""),
    ],
    ids=["too dear", "off the lot", "too small", "too large", "NaN", "reduces nothing", "cut", "link", "stops", "spot"],
)  # fmt: skip
def test_what_is_not_plainly_filled_goes_the_general_way(step: Doing) -> None:
    venue, said = run(step)
    assert venue.taken == 0
    assert [type(it) for it in said] != [Executed] or step[1] == SPOT


def test_a_market_where_somebody_waits_goes_the_general_way() -> None:
    venue, said = run(("limit", BTC, Side.BUY, "1", 90.0), ("market", BTC, Side.SELL, "1", False, ""))
    assert (venue.taken, len(said)) == (0, 1)
    venue, _ = run(("stop", BTC, Side.SELL, "1", 90.0), ("market", BTC, Side.SELL, "1", False, ""))
    assert venue.taken == 0


def test_a_thin_market_goes_the_general_way() -> None:
    venue = opened(Counting, Models(liquidity=VolumeShare(0.01)), "100000", "1", False, True, True)
    lived(venue, ("market", BTC, Side.BUY, "1", False, ""), 0)
    assert isinstance(venue, Counting)
    taken = venue.taken
    said = lived(venue, ("market", BTC, Side.BUY, "3", False, ""), 1)
    assert venue.taken == taken
    assert len([it for it in said if isinstance(it, Executed)]) == 3


def test_who_is_due_is_liquidated_before_an_order_where_nobody_kept_within_bounds() -> None:
    told = []
    for kind in (SimulatedVenue, General):
        venue = opened(kind, Models(), "1000", "10", False, False, True)
        lived(venue, ("market", BTC, Side.BUY, "50", False, ""), 0)
        venue.stand(BTC, 61.5)
        told.append(lived(venue, ("market", BTC, Side.SELL, "50", False, ""), 1))
    assert told[0] == told[1]
    assert any(isinstance(it, Executed) and it.execution.type == "BustTrade" for it in told[0])


class GeneralStreamed(StreamedVenue):
    """One that knows no straight line."""

    def _at_once(self, display: Display, spec: OrderSpec, now: int) -> Executed | None:
        return None


class CountingStreamed(StreamedVenue):
    """One that notes what went the straight way."""

    taken = 0

    def _at_once(self, display: Display, spec: OrderSpec, now: int) -> Executed | None:
        done = super()._at_once(display, spec, now)
        self.taken += done is not None
        return done


ticks = st.integers(950, 1050)
told = st.one_of(
    st.tuples(st.just("quote"), ticks, st.integers(0, 3), st.sampled_from([0, 100, 2000]), st.sampled_from([0, 1500])),
    st.tuples(st.just("print"), ticks, sides, st.sampled_from([0.5, 3.0])),
    st.tuples(st.just("mark"), ticks),
    st.tuples(st.just("market"), st.just(BTC), sides, quantities, st.booleans(), st.just("")),
    st.tuples(
        st.just("market"), st.just(BTC), sides, st.sampled_from(["0.1", "0.5", "1"]), st.just(False), st.just("")
    ),
    st.tuples(st.just("limit"), st.just(BTC), sides, st.sampled_from(["0.1", "1"]), ticks.map(lambda t: t / 10)),
    st.tuples(st.just("cancel"), st.just(BTC), st.integers(0, 30)),
)


def streamed(venue: StreamedVenue, step: Doing, number: int) -> list[Event]:
    """What the venue says to one piece of a stream, or an order."""
    now, kind = T0 + number * MINUTE, step[0]
    if kind == "quote":
        return venue.quote(BTC, now, step[1], step[3], step[1] + step[2], step[4])
    if kind == "print":
        return venue.printed(BTC, now, step[2], step[1] / 10, step[3])
    if kind == "mark":
        return venue.marked(BTC, now, step[1] / 10)
    return lived(venue, step, number)


@settings(max_examples=150, deadline=None)
@given(models, st.booleans(), st.booleans(), st.lists(told, min_size=5, max_size=40))
def test_both_ways_do_the_same_where_streams_move_the_market(
    models: Models, bounded: bool, quoted: bool, flow: list[Doing]
) -> None:
    use_exact_context()
    venues = []
    for kind in (StreamedVenue, GeneralStreamed):
        venue = kind(INSTRUMENTS[:1], models, cash={"USDT": D(1000)}, seed="s", leverage=D(3), now=T0)
        venue.terse, venue.is_bounded, venue.streams[BTC].awaits_quotes = True, bounded, quoted
        venues.append(venue)
    for number, step in enumerate(flow):
        said = [streamed(venue, step, number) for venue in venues]
        assert said[0] == said[1]
        assert state_of(venues[0]) == state_of(venues[1])
        assert bounds_of(venues[0]) == bounds_of(venues[1])
        now = T0 + number * MINUTE
        assert all_of(venues[0], now) == all_of(venues[1], now)


def test_a_quoted_size_is_used_up_by_the_straight_way() -> None:
    venue = CountingStreamed(INSTRUMENTS[:1], Models(), cash={"USDT": D(1000)}, seed="s", leverage=D(3), now=T0)
    venue.terse = True
    streamed(venue, ("quote", 1000, 1, 5000, 1500), 0)
    prices = []
    for number in range(1, 4):
        said = streamed(venue, ("market", BTC, Side.BUY, "0.6", False, ""), number)
        prices.append([it.execution.price for it in said if isinstance(it, Executed)])
    assert prices == [[D("100.1")], [D("100.1")], [D("100.1"), D("100.2")]]
    assert venue.taken == 2
