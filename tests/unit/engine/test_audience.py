"""Who listens changes nothing of what is decided: a lean engine sends the same and ends in the same state.

So do the short ways of a lean engine (plain orders in floats, looks at equity that are skipped) and the long ones.
"""

import random
from collections.abc import Mapping
from decimal import Decimal

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.engine.flow import Choices, Flow, Idle, Maker
from tests.unit.engine.harness import BTC, ETH, FEES, INSTRUMENTS, MINUTE, RUN, T0, Bench, encoded, venue_commands
from tests.unit.engine.recorded import CLASSES as RECORDED
from tests.unit.engine.recorded import record
from tradectl.engine.audience import EVERYBODY, NOBODY, Audience
from tradectl.engine.calm import Calm
from tradectl.engine.config import EngineConfig, QueueLimits, RiskLimits, StrategyConfig
from tradectl.engine.express import Express
from tradectl.engine.strategy import Strategy
from tradectl.engine.trading_engine import TradingEngine
from tradectl.model.commands import (
    BalanceChanged,
    Command,
    DecisionMade,
    EquityMarked,
    ExecutionBooked,
    OrderChanged,
    PositionChanged,
    RiskApproved,
    SetTimer,
)
from tradectl.model.events import (
    BarClosed,
    BarsLoaded,
    ConnectionChanged,
    Event,
    Executed,
    InstrumentsLoaded,
    OrderReported,
    QuoteChanged,
    Reconciled,
    Started,
    TickerChanged,
    TimerFired,
)
from tradectl.model.market_data import Bar, Ticker
from tradectl.model.money import exact, to_coin
from tradectl.model.orders import Execution, OrderReport, OrderSpec, OrderStatus, Side
from tradectl.model.positions import BalanceReport

D = Decimal
STATEMENTS = (OrderChanged, PositionChanged, BalanceChanged, EquityMarked)
QUICK = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


def carried_out(out: tuple[Command, ...]) -> list[Command]:
    """What is no mere statement."""
    return [c for c in out if not isinstance(c, (*STATEMENTS, DecisionMade))]


def refused(out: tuple[Command, ...]) -> list[tuple[int, str, str]]:
    """The decisions that came to nothing, each with the check that stopped it and why."""
    made = [c for c in out if isinstance(c, DecisionMade) and not c.accepted]
    return [(d.id, d.checks[-1].name, d.checks[-1].reason) for d in made]


def state_of(engine: TradingEngine) -> bytes:
    """The checkpoint without the notes of why, which only who follows decisions needs."""
    kept = msgspec.msgpack.decode(engine.checkpoint())
    kept["decisions"] = {}
    return msgspec.msgpack.encode(kept)


def same_lean(bench: Bench, classes: Mapping[str, type[Strategy]]) -> None:
    """A lean engine told the same as a full one decides the same, step by step, and ends as the same."""
    lean = TradingEngine(bench.config, classes, NOBODY)
    for event, full in zip(bench.events, bench.answers, strict=True):
        out = lean.apply(event)
        assert encoded(carried_out(out)) == encoded(carried_out(full)), event
        assert refused(out) == refused(full)
    assert state_of(lean) == state_of(bench.engine)


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_a_recorded_run_is_the_same_for_nobody(seed: int) -> None:
    same_lean(record(seed), RECORDED)


@given(st.lists(st.integers(min_value=0, max_value=5039), min_size=90, max_size=240), st.integers(0, 3))
@QUICK
def test_any_flow_is_the_same_for_nobody(numbers: list[int], kind: int) -> None:
    flow = Flow(Choices(numbers), stops=kind == 1, hedge=kind == 2, maker=kind == 3)
    flow.crash = flow.power_loss = lambda: None  # type: ignore[method-assign]  # the tail of one engine is replayed
    for _ in range(len(numbers) // 3):
        flow.step()
    same_lean(flow.bench, {"idle": Idle, "maker": Maker})


# --- a backtest's way: one event per candle, market orders filled whole at the touch, limits that bite


class Restless(Strategy):
    """Goes where a draw says, on either symbol; asks for too much now and then."""

    seed: int = 1

    def on_start(self) -> None:
        self.subscribe_bars("BTCUSDT", "1m")
        self.subscribe_bars("ETHUSDT", "1m")
        self._draw = random.Random(self.seed)

    def on_bar(self, bar: Bar) -> None:
        draw, symbol = self._draw, self._draw.choice(("BTCUSDT", "ETHUSDT"))
        kind = draw.randrange(6)
        if kind == 0:
            self.target(symbol, draw.choice((-1.0, -0.5, 0.3, 1.0, 1.7)), reason="drawn")
        elif kind == 1:
            self.close(symbol, reason="drawn")
        elif kind == 2:
            trade = draw.choice((self.buy, self.sell))
            trade(symbol, D(draw.randrange(1, 400)) / 100, reason="drawn", reduce_only=draw.random() < 0.2)


class Market:
    """Engine and venue in one line of time; ``apart``: quote, ticker and candle come as three events."""

    def __init__(self, cfg: EngineConfig, audience: Audience, apart: bool = False, long_way: bool = False) -> None:
        self.engine = TradingEngine(cfg, {"restless": Restless}, audience)
        self.apart = apart
        if long_way:
            self.engine.guards.calm.holds = lambda: False  # type: ignore[method-assign]
        self.timers: dict[str, int] = {}
        self.out: list[Command] = []
        self.refused: list[tuple[int, str, str]] = []
        self.now, self.serial = T0, 0
        for event in (
            Started(T0, RUN, False, 1), InstrumentsLoaded(T0, INSTRUMENTS, FEES),
            ConnectionChanged(T0, "private", True), ConnectionChanged(T0, "trade", True),
            Reconciled(T0, T0, balances=(BalanceReport("USDT", D(10_000)),)),
            *(BarsLoaded(T0, i, "1m", (Bar(T0 - MINUTE, 1000.0, 1000.0, 1000.0, 1000.0, 1.0),)) for i in (BTC, ETH)),
        ):  # fmt: skip
            self.feed(event)

    def feed(self, event: Event) -> None:
        out = self.engine.apply(event)
        self.refused += refused(out)
        self.out += [c for c in carried_out(out) if not isinstance(c, SetTimer)]
        for command in out:
            if isinstance(command, SetTimer):
                self.timers[command.timer] = command.at
        for command in venue_commands(out):
            if isinstance(command, RiskApproved) and command.order is not None:
                self._fill(command.order)

    def _fill(self, order: OrderSpec) -> None:
        self.serial += 1
        price = self.engine.world.market.touch(order.instrument, order.side is Side.BUY)
        assert price is not None
        n, value = self.serial, order.qty * price
        done = Execution(
            f"e{n}", order.instrument, f"v{n}", order.link_id, order.side, price, order.qty, value,
            to_coin(value * D("0.00055")), "USDT", False, self.now,
        )  # fmt: skip
        report = OrderReport(
            order.instrument, f"v{n}", order.link_id, order.side, order.type, order.time_in_force, order.qty, None,
            OrderStatus.FILLED, order.qty, value, price, self.now,
        )  # fmt: skip
        two: list[Event] = [Executed(self.now, done), OrderReported(self.now, report)]
        for event in two if n % 3 else reversed(two):  # an order's end may be told before its fill
            self.feed(event)

    def minute(self, number: int, closes: Mapping[object, float]) -> None:
        self.now = T0 + (number + 1) * MINUTE
        while self.timers and min(self.timers.values()) <= self.now:
            name = min(self.timers, key=lambda n: (self.timers[n], n))
            due = self.timers.pop(name)
            self.feed(TimerFired(due, name, due))
        for id_, close in closes.items():
            bar = Bar(T0 + number * MINUTE, close, close, close, close, 1.0)
            bid, ask = close, float(exact(close) + D("0.1") * (number % 3 > 0))  # locked now and then
            if self.apart:
                self.feed(QuoteChanged(self.now, self.now, id_, bid, 0.0, ask, 0.0))
                before = self.engine.world.market.ticker(id_)
                rate = before.funding_rate if before is not None else 0.0
                self.feed(TickerChanged(self.now, self.now, id_, Ticker(close, close, 0.0, bid, ask, rate)))
                self.feed(BarClosed(self.now, self.now, id_, "1m", bar))
            else:
                self.feed(BarClosed(self.now, self.now, id_, "1m", bar, bid, ask, close))


def setup_of(seed: int) -> EngineConfig:
    """Limits that are near what the strategies ask for."""
    draw = random.Random(seed)

    def share(*of: str) -> Decimal:
        return D(draw.choice(of))

    limits = RiskLimits(
        order_share=share("0.3", "1", "3"), position_share=share("0.4", "1", "5"), gross_share=share("0.5", "1", "3"),
        day_loss_share=share("0.002", "0.03", "1"), drawdown_share=share("0.004", "0.1", "1"),
        collar_share=share("0.0005", "0.005", "0.05"), leverage=share("1", "2"), margin_share=share("0", "0.5", "1"),
        orders_per_minute=draw.choice((2, 300)), repeat_orders=draw.choice((0, 1, 60)),
        repeat_seconds=draw.choice((60, 3600)), order_value=share("0", "4000"), position_value=share("0", "7000"),
        gross_value=share("0", "9000"), refuse_locked=draw.random() < 0.5, funding_share=share("0", "0.001"),
    )  # fmt: skip
    strategies = tuple(
        StrategyConfig(name=f"r{n}", class_="restless", capital=D("0.7"), params={"seed": seed * 10 + n})
        for n in range(draw.choice((1, 2)))
    )
    queue = QueueLimits(derivative_create=1000, max_wait_ms=100)
    return EngineConfig(
        run=RUN,
        mode="backtest",
        risk=limits,
        queue=queue,
        strategies=strategies,
        equity_every_s=3600,
        guard_every_s=60 * (seed % 2),  # by a timer, or with the candles
    )


def played(cfg: EngineConfig, seed: int, audience: Audience, **how: bool) -> Market:
    """A day's part of a market that wanders, with a settled funding rate now and then."""
    market, draw = Market(cfg, audience, **how), random.Random(seed)
    closes = {BTC: 1000.0, ETH: 100.0}
    for number in range(120):
        for id_ in closes:
            closes[id_] = round(closes[id_] * (1 + draw.gauss(0, 0.003)), 1)
        if number % 40 == 20:
            rate = draw.choice((-0.0004, 0.0009, 0.003))
            last = closes[BTC]
            market.feed(TickerChanged(market.now, market.now, BTC, Ticker(last, last, 0.0, last, last + 0.1, rate)))
        market.minute(number, closes)
    return market


def counted(monkeypatch: pytest.MonkeyPatch, of: type, name: str, yes: list[int]) -> None:
    """From now on ``yes`` counts how often the method said so."""
    real = getattr(of, name)

    def count(*args: object) -> bool:
        said = bool(real(*args))
        yes[0] += said
        return said

    monkeypatch.setattr(of, name, count)


@pytest.mark.parametrize("seed", range(40))
def test_short_ways_and_long_ways_end_in_the_same_state(seed: int) -> None:
    cfg = setup_of(seed)
    short = played(cfg, seed, NOBODY)
    long = played(cfg, seed, EVERYBODY, long_way=True)
    assert short.refused == long.refused
    assert encoded(short.out) == encoded(long.out)
    assert state_of(short.engine) == state_of(long.engine)


def test_the_markets_contain_something(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fills, refusals by many checks, limits that latched and short ways that were taken: else the comparison would
    prove nothing."""
    fills, stopped, latched, placed, drawn = 0, set(), set(), [0], [0]
    counted(monkeypatch, Express, "to_size", placed)
    counted(monkeypatch, Calm, "_is_redrawn", drawn)
    for seed in range(40):
        market = played(setup_of(seed), seed, NOBODY)
        fills += sum(isinstance(c, ExecutionBooked) for c in market.out)
        stopped |= {name for _, name, _ in market.refused}
        latched |= {r.code for r in market.engine.world.state.all()}
    assert fills > 500
    assert placed[0] > 300
    assert drawn[0] > 100
    assert {"order_size", "position_size", "gross_exposure", "market_collar", "margin", "order_rate"} <= stopped
    assert {"day_loss", "drawdown"} & latched


@pytest.mark.parametrize("seed", range(6))
def test_a_candle_that_states_prices_is_a_quote_and_a_ticker(seed: int) -> None:
    cfg = setup_of(seed)
    one, three = played(cfg, seed, NOBODY), played(cfg, seed, NOBODY, apart=True)
    assert [c.execution for c in one.out if isinstance(c, ExecutionBooked)] == [
        c.execution for c in three.out if isinstance(c, ExecutionBooked)
    ]
    assert [name for _, name, _ in one.refused] == [name for _, name, _ in three.refused]


def test_without_a_timer_the_guard_looks_before_a_candle_is_delivered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit reached by a candle stops the entry made on it; a timer of a minute would be late by that minute."""
    limits = RiskLimits(day_loss_share=D("0.01"), order_share=D(1), position_share=D(1), margin_share=D(0))
    strategy = StrategyConfig(name="r", class_="restless", capital=D("0.7"))
    cfg = EngineConfig(run=RUN, mode="backtest", risk=limits, strategies=(strategy,), guard_every_s=0)
    market = Market(cfg, NOBODY)
    assert "guard" not in market.timers
    monkeypatch.setattr(Restless, "on_bar", lambda self, bar: None)
    market.minute(0, {BTC: 1000.0})
    monkeypatch.setattr(Restless, "on_bar", lambda self, bar: self.target("BTCUSDT", 0.5, reason="some"))
    market.minute(1, {BTC: 1000.0})
    held = market.engine.world.portfolio.size("r", BTC)
    assert held > 0
    monkeypatch.setattr(Restless, "on_bar", lambda self, bar: self.target("BTCUSDT", 1.0, reason="more"))
    market.minute(2, {BTC: 950.0})
    assert market.engine.world.state.has("day_loss")
    assert [name for _, name, _ in market.refused] == ["trading_state"]
    assert market.engine.world.portfolio.size("r", BTC) == held


def test_an_order_is_stated_once_when_it_is_over() -> None:
    cfg = setup_of(1)
    market, stated = Market(cfg, NOBODY), []
    real = market.engine.apply

    def apply(event: Event) -> tuple[Command, ...]:
        out = real(event)
        stated.extend(c for c in out if isinstance(c, OrderChanged))
        return out

    market.engine.apply = apply  # type: ignore[method-assign]
    for number in range(60):
        market.minute(number, {BTC: 1000.0 + number % 7, ETH: 100.0})
    links = [c.link_id for c in stated]
    assert links
    assert len(links) == len(set(links))
    assert all(c.status.is_final for c in stated)
