"""An engine in a test bench: feeds events, collects commands, keeps the journal, and can crash and come back."""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import TypeVar

import msgspec

from tradectl.engine.config import EngineConfig, QueueLimits, RiskLimits, StrategyConfig
from tradectl.engine.strategy import Strategy
from tradectl.engine.trading_engine import TradingEngine
from tradectl.model.commands import (
    CancelOrder,
    CancelTimer,
    Command,
    LookUpOrder,
    Reconcile,
    RiskApproved,
    SetTimer,
)
from tradectl.model.events import (
    BarClosed,
    BarsLoaded,
    ConnectionChanged,
    Event,
    InstrumentsLoaded,
    QuoteChanged,
    Started,
    TickerChanged,
    TimerFired,
)
from tradectl.model.instruments import Category, FeeRate, Instrument, InstrumentId
from tradectl.model.market_data import Bar, Ticker
from tradectl.model.orders import OrderSpec

BTC = InstrumentId(Category.LINEAR, "BTCUSDT")
ETH = InstrumentId(Category.LINEAR, "ETHUSDT")
SPOT = InstrumentId(Category.SPOT, "BTCUSDT")
COIN = InstrumentId(Category.INVERSE, "BTCUSD")
RUN = "0000000r"
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
#: The first moment of every test: a whole minute, 2025-06-01T00:00:00Z.
T0 = 1_748_736_000 * SECOND

_C = TypeVar("_C", bound=Command)


def instrument(id_: InstrumentId, tick: str, lot: str, min_notional: str = "5", **more: object) -> Instrument:
    """A plausible instrument."""
    base = id_.symbol.removesuffix("USDT")
    return Instrument(
        id_, base, "USDT", "USDT", Decimal(tick), Decimal(lot), Decimal(lot), Decimal(1000), Decimal(500),
        Decimal(min_notional), **more,
    )  # type: ignore[arg-type]  # fmt: skip


INSTRUMENTS = (instrument(BTC, "0.1", "0.001"), instrument(ETH, "0.01", "0.01"), instrument(SPOT, "0.1", "0.0001"))
#: Contracts of one dollar, settled in coins; a bench knows them when asked to.
INVERSE = Instrument(
    COIN, "BTC", "USD", "BTC", Decimal("0.1"), Decimal(1), Decimal(1), Decimal(100_000), Decimal(50_000), Decimal(0)
)
FEES = tuple(FeeRate(i.id, Decimal("0.0002"), Decimal("0.00055")) for i in INSTRUMENTS)
#: Limits wide enough not to stand in the way of tests about something else.
WIDE = RiskLimits(
    order_share=Decimal(10), position_share=Decimal(10), gross_share=Decimal(10), day_loss_share=Decimal(10),
    drawdown_share=Decimal(10), limit_band_share=Decimal(10), orders_per_second=1000, orders_per_minute=60000,
    open_orders=500, stale_quote_seconds=3600, margin_share=Decimal(0), amends_per_second=1000,
    amends_per_minute=60000, repeat_orders=0, duplicate_ms=0, flood_per_minute=0, refuse_locked=False,
    refuse_self_trade=False, funding_share=Decimal(0), liquidation_share=Decimal(0),
)  # fmt: skip
FAST_QUEUE = QueueLimits(derivative_create=1000, derivative_cancel=1000, derivative_amend=1000, spot_create=1000)
MONEY = {"USDT": Decimal(100_000), "BTC": Decimal(1)}


def config(
    *strategies: StrategyConfig, risk: RiskLimits = WIDE, queue: QueueLimits = FAST_QUEUE, **more: object
) -> EngineConfig:
    """An engine's configuration for a test."""
    return EngineConfig(run=RUN, risk=risk, queue=queue, strategies=strategies, **more)  # type: ignore[arg-type]


def falling_due(timers: dict[str, int], end: int) -> Iterator[tuple[str, int]]:
    """Take out every timer due by ``end``, in order; what is set meanwhile counts, too."""
    while timers:
        name = min(timers, key=lambda n: (timers[n], n))
        if timers[name] > end:
            return
        yield name, timers.pop(name)


class Bench:
    """One engine and everything it said."""

    def __init__(self, cfg: EngineConfig | None = None, classes: Mapping[str, type[Strategy]] | None = None) -> None:
        self.config = cfg or config()
        self.classes = dict(classes or {})
        self.engine = TradingEngine(self.config, self.classes)
        self.now = T0
        self.events: list[Event] = []
        self.answers: list[tuple[Command, ...]] = []
        self.timers: dict[str, int] = {}
        self.more: tuple[Instrument, ...] = ()

    # --- driving

    def feed(self, event: Event) -> tuple[Command, ...]:
        """Apply one event and keep what was decided."""
        self.now = max(self.now, event.received)
        out = self.engine.apply(event)
        self.events.append(event)
        self.answers.append(out)
        for command in out:
            if isinstance(command, SetTimer):
                self.timers[command.timer] = command.at
            elif isinstance(command, CancelTimer):
                self.timers.pop(command.timer, None)
        return out

    def wait(self, nanoseconds: int) -> list[Command]:
        """Let time pass: every timer that falls due fires, in order."""
        end = self.now + nanoseconds
        out: list[Command] = []
        for name, due in falling_due(self.timers, end):
            out += self.feed(TimerFired(max(due, self.now), name, due))
        self.now = end
        return out

    def start(self, run: str = RUN, restored: bool = False, next_order: int = 1) -> list[Command]:
        """The events of a start, up to the streams being up; returns all commands."""
        out = [*self.feed(Started(self.now, run, restored, next_order))]
        out += self.feed(InstrumentsLoaded(self.now, (*INSTRUMENTS, *self.more), FEES))
        for stream in ("private", "trade"):
            out += self.feed(ConnectionChanged(self.now, stream, True))
        return out

    def quote(self, instrument_id: InstrumentId, price: float, spread: float = 0.0) -> list[Command]:
        """Ticker and best bid and ask around a price."""
        out = [*self.feed(TickerChanged(self.now, self.now, instrument_id, Ticker(price, price, price)))]
        out += self.feed(QuoteChanged(self.now, self.now, instrument_id, price - spread, 5.0, price + spread, 5.0))
        return out

    def bar(self, number: int, close: float, instrument_id: InstrumentId = BTC) -> tuple[Command, ...]:
        """The ``number``-th one-minute bar after T0, at the moment it closes."""
        self.now = max(self.now, T0 + (number + 1) * MINUTE)
        return self.feed(BarClosed(self.now, self.now, instrument_id, "1m", make_bar(number, close)))

    def history(self, closes: Mapping[int, float], instrument_id: InstrumentId = BTC, error: str = "") -> list[Command]:
        """An answer to ``RequestBars``."""
        bars = tuple(make_bar(n, c) for n, c in sorted(closes.items()))
        return [*self.feed(BarsLoaded(self.now, instrument_id, "1m", bars, error))]

    # --- looking

    def said(self, kind: type[_C]) -> list[_C]:
        """All commands of one kind so far."""
        return [c for out in self.answers for c in out if isinstance(c, kind)]

    def creates(self) -> list[OrderSpec]:
        """Every order that left for the venue."""
        return [c.order for c in self.said(RiskApproved) if c.order is not None]

    # --- crash and return

    def reborn(self, checkpoint: bytes | None, tail: list[Event]) -> tuple[TradingEngine, list[tuple[Command, ...]]]:
        """A new engine from a checkpoint and the events after it, and what that engine decided on them."""
        engine = TradingEngine(self.config, self.classes)
        if checkpoint is not None:
            engine.restore(checkpoint)
        return engine, [engine.apply(event) for event in tail]


def make_bar(number: int, close: float, late: bool = False) -> Bar:
    """The ``number``-th one-minute bar after T0."""
    return Bar(T0 + number * MINUTE, close, close + 1, close - 1, close, 10.0, 10.0 * close, late)


def encoded(commands: tuple[Command, ...] | list[Command]) -> bytes:
    """Commands as the journal would write them."""
    return msgspec.msgpack.encode(commands)


def ready(
    cfg: EngineConfig | None = None,
    classes: Mapping[str, type[Strategy]] | None = None,
    price: float = 100.0,
    money: Mapping[str, Decimal] = MONEY,
) -> Bench:
    """A bench whose engine is RUNNING on an empty account, with prices for every instrument."""
    from tradectl.model.events import Reconciled
    from tradectl.model.positions import BalanceReport

    bench = Bench(cfg, classes)
    bench.start()
    for id_ in (BTC, ETH, SPOT):
        bench.quote(id_, price)
    balances = tuple(BalanceReport(c, a) for c, a in money.items())
    bench.feed(Reconciled(bench.now, bench.now, balances=balances))
    return bench


VenueCommand = RiskApproved | CancelOrder | LookUpOrder | Reconcile


def venue_commands(out: list[Command] | tuple[Command, ...]) -> list[VenueCommand]:
    """The commands a venue must answer."""
    return [c for c in out if isinstance(c, RiskApproved | CancelOrder | LookUpOrder | Reconcile)]


def fractions(money: Mapping[str, Decimal]) -> dict[str, Fraction]:
    """Amounts for the oracle."""
    return {coin: Fraction(amount) for coin, amount in money.items()}


Chooser = Callable[[int], int]
