"""No interleaving of intents, partial fills, cancels, amendments, lost answers and restarts exceeds an exposure limit.

The oracle asks the venue, not the engine: what the venue holds, its open orders, and every request still on its way,
each order at the largest quantity ever asked for it. Entries are accepted at prices up to mark and valued at mark, so
that the limits hold exactly.
"""

import random
from collections import defaultdict
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.engine.flow import PRICE, Choices, Flow
from tests.unit.engine.harness import BTC, ETH, RUN, SPOT, Bench, config, ready
from tests.unit.engine.risk_bench import PLAIN, D, failed, fill, limits, place
from tradectl.engine.config import ScopeLimits, StrategyConfig
from tradectl.engine.strategy import Strategy
from tradectl.model.commands import Command, DecisionMade, RiskApproved
from tradectl.model.events import Event, LimitsSet, OrderReported, OrderRequested
from tradectl.model.ids import order_link_id
from tradectl.model.instruments import InstrumentId
from tradectl.model.orders import OrderReport, OrderStatus, OrderType, Side, TimeInForce

NUMBERS = st.lists(st.integers(min_value=0, max_value=5039), min_size=90, max_size=300)
QUICK = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
POSITION, GROSS, GROUP = D(70), D(130), D(100)
ONE, TWO = StrategyConfig(name="one", class_="idle"), StrategyConfig(name="two", class_="idle")


class Idle(Strategy):
    """Does nothing: orders in its name come from a person."""


class LimitedFlow(Flow):
    """A flow under tight limits: small orders of two strategies in three instruments, watched after every step."""

    def __init__(self, choices: Choices) -> None:
        cfg = config(
            ONE, TWO,
            risk=limits(position_value=POSITION, gross_value=GROSS),
            scoped={"group:linear": ScopeLimits(gross_value=GROUP)},
            groups={"linear": ("BTC*",)},
        )  # fmt: skip
        self.asked: dict[str, Decimal] = {}
        self.refused: defaultdict[str, int] = defaultdict(int)
        self.accepted = 0
        self.highest = Decimal(0)
        super().__init__(choices, Bench(cfg, {"idle": Idle}))

    def _start(self, restored: bool = False) -> None:
        super()._start(restored)
        self._carry(tuple(self.bench.quote(ETH, float(PRICE))))

    def person_orders(self) -> None:
        """An order in a strategy's name; limit prices at or below mark for buys, at or above it for sells."""
        kind, buys = self.choices.pick(4), self.choices.pick(2) == 0
        instrument = (BTC, BTC, BTC, ETH, SPOT)[self.choices.pick(5)]
        lots = Decimal(self.choices.pick(6) + 1) / 10
        away = Decimal(self.choices.pick(4)) / 10
        price = None if kind == 0 else PRICE - away if buys else PRICE + away
        side = Side.BUY if buys else Side.SELL
        reduce_only = kind == 3 and instrument != SPOT
        self.feed(
            OrderRequested(
                self.bench.now, "me", instrument, side, OrderType.LIMIT if price else OrderType.MARKET, lots, price,
                TimeInForce.GTC, reduce_only, ("one", "two")[self.choices.pick(2)],
            )
        )  # fmt: skip

    def feed(self, event: Event) -> tuple[Command, ...]:
        out = super().feed(event)
        self.watch()
        return out

    def _carry(self, out: tuple[Command, ...]) -> None:
        for command in out:
            if isinstance(command, DecisionMade) and not command.accepted:
                self.refused[command.checks[-1].name] += 1
            elif isinstance(command, RiskApproved):
                self.accepted += 1
                self._ask(command)
        super()._carry(out)

    def _ask(self, command: RiskApproved) -> None:
        if command.order is not None:
            self.asked[command.order.link_id] = command.order.qty
        elif command.amendment is not None and command.amendment.qty is not None:
            link = command.amendment.link_id
            self.asked[link] = max(self.asked[link], command.amendment.qty)

    def power_loss(self) -> None:
        """Before the machine is back, what was on the wire has arrived: no request outlives its connection so long."""
        while self.to_venue:
            self._take(self.to_venue.pop(0))
        super().power_loss()

    def watch(self) -> None:
        """Every position, and all of them, with all that may yet fill."""
        worst = {i: self.worst(i) for i in (BTC, ETH, SPOT)}
        for instrument, value in worst.items():
            assert value <= POSITION, f"{instrument} may be worth {value}"
        assert sum(worst.values(), Fraction(0)) <= GROSS
        assert worst[BTC] + worst[SPOT] <= GROUP
        self.highest = max(self.highest, Decimal(float(sum(worst.values(), Fraction(0)))))

    def worst(self, instrument: InstrumentId) -> Fraction:
        """At mark, when all its buys or all its sells fill that the venue has or is about to have."""
        size = self._held(instrument)
        buys = sells = Fraction(0)
        for link, open_, filled, side, flagged in self._orders(instrument):
            rest = Fraction(max(self.asked.get(link, open_), open_) - filled)
            if flagged:
                continue  # the venue itself never lets it open
            buys += rest if side is Side.BUY else 0
            sells += rest if side is Side.SELL else 0
        if instrument == SPOT:  # coins that are sold were ours
            return max(size + buys, Fraction(0)) * Fraction(PRICE)
        return max(abs(size + buys), abs(size - sells)) * Fraction(PRICE)

    def _held(self, instrument: InstrumentId) -> Fraction:
        if instrument != SPOT:
            return self.venue.sizes.get(instrument, Fraction(0))
        fills = [e for e in self.venue.executions if e.instrument == SPOT]  # what was bought pays its fee in itself
        bought = sum((Fraction(e.qty - e.fee) for e in fills if e.side is Side.BUY), Fraction(0))
        return bought - sum((Fraction(e.qty) for e in fills if e.side is Side.SELL), Fraction(0))

    def _orders(self, instrument: InstrumentId) -> list[tuple[str, Decimal, Decimal, Side, bool]]:
        found = [
            (o.link_id, o.qty, o.cum_qty, o.side, o.reduce_only)
            for o in self.venue.open_orders()
            if o.instrument == instrument
        ]
        for command in self.to_venue:
            if (
                isinstance(command, RiskApproved)
                and command.order is not None
                and command.order.instrument == instrument
            ):
                spec = command.order
                found.append((spec.link_id, spec.qty, Decimal(0), spec.side, spec.reduce_only))
        return found


def run(numbers: list[int], steps: int) -> LimitedFlow:
    flow = LimitedFlow(Choices(numbers))
    for _ in range(steps):
        flow.step()
        flow.watch()
    flow.finish()
    flow.watch()
    return flow


@given(NUMBERS)
@QUICK
def test_no_interleaving_exceeds_a_limit(numbers: list[int]) -> None:
    run(numbers, len(numbers) // 3)


@pytest.mark.parametrize("seed", range(15))
def test_long_flows_stay_within_limits(seed: int) -> None:
    generator = random.Random(seed)
    run([generator.randrange(5040) for _ in range(1200)], 250)


def test_the_flows_go_up_to_their_limits() -> None:
    """A flow that never meets a limit proves nothing: count what stopped orders and how near they came."""
    refused: defaultdict[str, int] = defaultdict(int)
    accepted, highest = 0, Decimal(0)
    for seed in range(12):
        generator = random.Random(seed)
        flow = run([generator.randrange(5040) for _ in range(1200)], 250)
        accepted += flow.accepted
        highest = max(highest, flow.highest)
        for name, count in flow.refused.items():
            refused[name] += count
    assert accepted >= 100
    assert refused["position_size"] >= 20
    assert refused["gross_exposure"] + refused["group_gross"] >= 5
    assert highest >= GROSS * D("0.7")


def test_a_limit_lowered_below_what_is_held_lets_only_what_reduces_pass() -> None:
    bench = ready(config(risk=limits()), money=PLAIN)
    fill(bench, Side.BUY, "5")
    bench.feed(LimitsSet(bench.now, "me", {"position_value": "100"}))
    assert failed(place(bench, "0.1", "100")) == "position_size"
    assert failed(place(bench, "5", side=Side.SELL)) == ""


def test_what_filled_of_an_order_whose_record_was_lost_counts_before_its_executions_are_here() -> None:
    bench = ready(config(risk=limits(position_value=D(100))), money=PLAIN)
    lost = OrderReport(
        BTC, "venue-1", order_link_id(RUN, 0, 900), Side.BUY, OrderType.MARKET, TimeInForce.IOC, D("0.7"), None,
        OrderStatus.FILLED, D("0.7"), D(70), D(100), bench.now,
    )  # fmt: skip
    bench.feed(OrderReported(bench.now, lost))
    assert failed(place(bench, "0.4", "100")) == "position_size"
    assert failed(place(bench, "0.2", "100")) == ""
