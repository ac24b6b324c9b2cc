"""What a run leaves: executions, orders, refusals and samples as they come, and the result at the end."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from tradectl.backtest.job import Sample
from tradectl.backtest.packed import Packed, derived
from tradectl.engine.trading_engine import TradingEngine
from tradectl.model.commands import (
    Alert,
    AlertLevel,
    DecisionMade,
    ExecutionBooked,
    OrderChanged,
    StrategyChanged,
    StrategyStatus,
)
from tradectl.model.market_data import INTERVALS
from tradectl.model.money import ZERO
from tradectl.performance.exposure import exposure
from tradectl.performance.fills import Fill, fill_of
from tradectl.performance.metrics import Mark, Metrics, metrics
from tradectl.performance.returns import opening_mark

#: Steps of the equity curve, in nanoseconds: the first that needs no more samples than this.
STEPS = [INTERVALS[it] for it in ("1m", "5m", "15m", "1h", "4h", "12h", "1d", "1w")]
SAMPLES = 5_000
DAY = INTERVALS["1d"]


def sample_step(since: int, until: int, length: int) -> int:
    """How far apart samples are."""
    return next((it for it in STEPS if it >= length and (until - since) // it <= SAMPLES), STEPS[-1])


class Collector:
    """Hears everything the engine says that is not for the venue."""

    def __init__(self, engine: TradingEngine, keep_decisions: bool) -> None:
        self._engine = engine
        self._keep = keep_decisions
        self.executions = Packed(ExecutionBooked)
        self.orders = Packed(OrderChanged)
        self.decisions: list[DecisionMade] = []
        self.refused: dict[str, int] = {}
        self.samples: list[Sample] = []
        self.strategy_marks: dict[str, list[Mark]] = {}
        self.stopped: dict[str, str] = {}
        self.alerts: dict[str, Alert] = {}
        self._marked_day = -1

    def handlers(self) -> dict[type, Callable[[Any], None]]:
        """By type of command."""
        return {
            ExecutionBooked: self.executions.append,
            OrderChanged: self.orders.append,  # the engine says it once, when the order is over
            DecisionMade: self._decision,
            StrategyChanged: self._strategy,
            Alert: self._alert,
        }

    def _decision(self, made: DecisionMade) -> None:
        if self._keep:
            self.decisions.append(made)
        if made.accepted:
            return
        failed = next((it.name for it in made.checks if not it.ok), "")
        if failed:
            self.refused[failed] = self.refused.get(failed, 0) + 1

    def _strategy(self, change: StrategyChanged) -> None:
        if change.status is StrategyStatus.STOPPED:
            self.stopped[change.name] = change.reason

    def _alert(self, alert: Alert) -> None:
        if alert.level is not AlertLevel.INFO:
            self.alerts.setdefault(alert.code, alert)

    # --- equity

    def begin(self, at: int, cash: Decimal) -> None:
        """The account before anything happened: the engine may hear of it later."""
        self.samples.append(Sample(at, cash, ZERO))

    def sample(self, at: int) -> None:
        """Note equity and exposure, and once a day what each strategy's book is worth. Of two samples of one moment the
        later counts."""
        w = self._engine.world
        if self.samples and self.samples[-1].at == at:
            self.samples.pop()
        exposure = ZERO
        for instrument, _, book in w.portfolio.positions():
            if book.size:
                mark = w.market.mark(instrument)
                exposure += abs(book.size * mark if mark is not None else book.cost)
        self.samples.append(Sample(at, w.valuation.account().equity, exposure))
        if at // DAY != self._marked_day:
            self._mark_strategies(at)

    def _mark_strategies(self, at: int) -> None:
        self._marked_day = at // DAY
        w = self._engine.world
        for name in w.portfolio.state.books:
            marks = self.strategy_marks.setdefault(name, [])
            if not marks or marks[-1].at != at:
                marks.append(Mark(at, w.valuation.strategy(name).equity))

    def finish(self, at: int) -> None:
        """The run is over: where it ended counts, wherever the grid of samples stands."""
        if self.samples and self.samples[-1].at != at:
            self.sample(at)
        if self.samples:
            self._mark_strategies(at)

    # --- the end

    @property
    def traded(self) -> list[int]:
        """When each trade was (nanoseconds), funding left out."""
        return [it.execution.ts for it in self.executions if it.execution.type == "Trade"]

    def measured(
        self, cash: Decimal, capital: dict[str, Decimal]
    ) -> tuple[Sequence[Fill], Metrics, dict[str, Metrics]]:
        """Fills, the account's metrics and each strategy's, the latter over the capital it was given."""
        fills = derived(self.executions.done(), _fill)
        return fills, *measured(fills, self.samples, self.strategy_marks, cash, capital)


def measured(
    fills: Sequence[Fill], samples: Sequence[Sample], strategy_marks: dict[str, list[Mark]], cash: Decimal,
    capital: dict[str, Decimal],
) -> tuple[Metrics, dict[str, Metrics]]:  # fmt: skip
    """The account's metrics and each strategy's, from what its books were worth at ``strategy_marks``."""
    whole = metrics(measured_marks(cash, [(it.at, it.equity) for it in samples]), fills)
    each: dict[str, Metrics] = {}
    for name, marks in strategy_marks.items():
        given = cash * capital.get(name, Decimal(1))
        first = samples[0].at  # a book's first mark may be later: before its first fill it was worth nothing
        whole_of_it = [(first, given), *((it.at, given + it.equity) for it in marks if it.at > first)]
        own = measured_marks(given, whole_of_it)
        if len(strategy_marks) == 1:  # what follows from the fills alone is known already
            exposed = exposure(fills, own)
            each[name] = replace(metrics(own, ()), profit=whole.profit, trades=whole.trades, exposure=exposed)
        else:
            each[name] = metrics(own, [it for it in fills if it.strategy == name])
    return whole, each


def _fill(booked: ExecutionBooked) -> Fill:
    return fill_of(booked, lambda coin, at: None)


def measured_marks(begun: Decimal, samples: Sequence[tuple[int, Decimal]]) -> list[Mark]:
    """Samples as performance counts them: the day before ended with ``begun``, and one at a bar's end belongs to the
    bar: at midnight, to the day that is over."""
    if not samples:
        return []
    return [opening_mark(samples[0][0], begun), *(Mark(at - 1, equity) for at, equity in samples[1:])]
