"""What a backtest is asked to do, and what comes out of it."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct

from tradectl.engine.config import StrategyConfig
from tradectl.engine.risk_limits import RiskLimits
from tradectl.model.commands import DecisionMade, ExecutionBooked, OrderChanged
from tradectl.model.instruments import Instrument, InstrumentId
from tradectl.performance.metrics import Fill, Mark, Metrics
from tradectl.simulation.models import Models


class BacktestJob(Struct, frozen=True, kw_only=True):
    """Strategies over a span of history: ``since <= bar open < until`` in nanoseconds UTC.

    ``interval`` is that of the candles that drive the market (strategies may subscribe to it and to multiples of it).
    ``warmup`` candles before ``since`` are read for indicators when history has them. ``limits`` are the risk limits
    in force; ``cash`` is what the account begins with in ``settle_coin``; ``leverage`` is the venue's, per position.
    """

    strategies: tuple[StrategyConfig, ...]
    instruments: tuple[InstrumentId, ...]
    interval: str
    since: int
    until: int
    cash: Decimal = Decimal(10_000)
    settle_coin: str = "USDT"
    models: Models = Models()
    limits: RiskLimits = RiskLimits()
    leverage: Decimal = Decimal(1)
    position_mode: str = "one_way"
    seed: str = "backtest"
    data: str = "candles"  # what moves the market: candles, trades or quotes
    keep_decisions: bool = False  # every decision with its reason, for the report and for parity


class Warned(Struct, frozen=True):
    """A known bias of this run, in words: ``code`` names it for machines."""

    code: str
    text: str


class PriceBar(Struct, frozen=True, array_like=True, gc=False):
    """A bar of a chart, as coarse as the chart needs."""

    at: int
    open: float
    high: float
    low: float
    close: float


class Sample(Struct, frozen=True, array_like=True, gc=False):
    """The account at a moment: equity and gross exposure (sum of absolute position values), in the settle coin."""

    at: int
    equity: Decimal
    exposure: Decimal


class Progress(Struct, frozen=True):
    """How far a run is: the venue's time, candles done, and how many there are in all (0 unknown)."""

    at: int
    done: int
    total: int


class BacktestResult(Struct, frozen=True, kw_only=True):
    """Everything a run left. ``executions`` hold fills and funding in order; ``orders`` each order's last state.

    ``refused`` counts decisions each risk check stopped. ``samples`` are at regular moments, ``prices`` per instrument
    on a comparable grid. ``interrupted``: somebody stopped it; everything is as of ``ended``.
    """

    job: BacktestJob
    instruments: tuple[Instrument, ...]
    executions: Sequence[ExecutionBooked]
    fills: Sequence[Fill]
    orders: Sequence[OrderChanged]
    decisions: tuple[DecisionMade, ...]
    decided: int
    refused: dict[str, int]
    samples: tuple[Sample, ...]
    prices: dict[str, tuple[PriceBar, ...]]
    metrics: Metrics
    per_strategy: dict[str, Metrics]
    warnings: tuple[Warned, ...]
    models: tuple[tuple[str, str], ...]
    data_fingerprint: str
    candles: int
    ended: int
    interrupted: bool = False
    missing: dict[str, int] = {}  # candles the data lacks inside the span, by series
    stopped: dict[str, str] = {}  # strategies that did not run to the end, and why
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    code: str = ""
    extra: dict[str, Any] = {}

    @property
    def marks(self) -> list[Mark]:
        """The equity samples as performance measures them."""
        return [Mark(it.at, it.equity) for it in self.samples]

    @property
    def final_equity(self) -> Decimal:
        return self.samples[-1].equity if self.samples else self.job.cash


class Interim(Struct, frozen=True):
    """Looks at a run under way: ``hear`` gets the result as of the first sample at or after each of ``moments``
    (rising, nanoseconds UTC), without chart, fingerprint and warnings. What it raises ends the run."""

    moments: tuple[int, ...]
    hear: Callable[[BacktestResult], None]
