"""A recorded run in the form of a backtest's result, so that reports and lists of runs show both alike."""

from collections.abc import Iterable
from decimal import Decimal

from tradectl.backtest.feed import Chart
from tradectl.backtest.job import BacktestJob, BacktestResult, PriceBar, Sample, Warned
from tradectl.backtest.recorded import Facts, Recorded
from tradectl.backtest.recorded_history import history_of
from tradectl.engine.config import EngineConfig
from tradectl.history.reading import History
from tradectl.history.series import Candles, Kind
from tradectl.model.commands import BalanceChanged, Entry, EquityMarked, ExecutionBooked, LedgerBooked, PositionChanged
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.events import BarClosed, TickerChanged
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.market_data import INTERVALS
from tradectl.model.money import ZERO, exact
from tradectl.model.orders import Execution
from tradectl.performance.fills import Fill, fill_of
from tradectl.performance.metrics import Flow, Mark, Metrics, metrics

#: Bars of a chart: the first length that needs no more than this many.
BARS = 5_000


def result_of(recorded: Recorded, code: str = "") -> BacktestResult:
    """The run as a result: its fills, funding, orders, decisions and equity as they were, with today's measures.

    ``code`` is the fingerprint of the engine that made it. Market data that was pruned is missing from the charts
    alone. Raises ``Problem`` when the run never heard of the account.
    """
    facts = recorded.facts
    if facts.start is None or not facts.ledger.marks:
        raise Problem(
            ErrorCode.NOT_FOUND, f"run {recorded.run} never read its account", field="run",
            reason="it was stopped before the first reconciliation", remedy="choose another run",
        )  # fmt: skip
    history = history_of(recorded, (Kind.CANDLES,), complete=False)
    job, ledger = _job(recorded, facts, history), facts.ledger
    samples = _samples(recorded, job.settle_coin)
    fills = tuple(fill_of(it, lambda coin, at: None) for it in ledger.executions)
    prices, candles = _prices(history, job)
    refused: dict[str, int] = {}
    for made in ledger.decisions.values():
        failed = next((it.name for it in made.checks if not it.ok), "") if not made.accepted else ""
        if failed:
            refused[failed] = refused.get(failed, 0) + 1
    flows = [Flow(it.at, it.change) for it in ledger.transfers if it.coin == job.settle_coin]
    return BacktestResult(
        job=job, instruments=tuple(facts.instruments[it] for it in job.instruments if it in facts.instruments),
        executions=tuple(ledger.executions), fills=fills, orders=tuple(ledger.orders.values()),
        decisions=tuple(ledger.decisions.values()), decided=len(ledger.decisions), refused=refused, samples=samples,
        prices=prices, metrics=metrics([Mark(it.at, it.equity) for it in samples], fills, flows),
        per_strategy=_per_strategy(job, samples, fills, recorded), warnings=_warnings(recorded),
        models=(("venue", f"what happened in mode {recorded.mode}: nothing is simulated"),),
        data_fingerprint=history.fingerprint(history.series(), 0, facts.ended + 1), candles=candles, ended=facts.ended,
        stopped=dict(ledger.stopped), code=code, extra={
            "run": recorded.run, "mode": recorded.mode, "flows": [[it.at, it.amount] for it in flows],
        },
    )  # fmt: skip


def _job(recorded: Recorded, facts: Facts, history: History) -> BacktestJob:
    config: EngineConfig = recorded.chapters[-1].config
    heard = [it for it in history.series() if it.kind is Kind.CANDLES]
    interval = min((it.interval for it in heard), key=INTERVALS.__getitem__, default="1m")
    traded = {it.execution.instrument for it in facts.ledger.executions}
    instruments = tuple(sorted({*traded, *(it.instrument for it in heard)}))
    return BacktestJob(
        strategies=config.strategies, instruments=instruments, interval=interval, since=facts.began,
        until=max(facts.ended, facts.began + 1), cash=facts.ledger.marks[0].equity, settle_coin=config.settle_coin,
        limits=config.risk, leverage=facts.leverage or Decimal(1), position_mode=config.position_mode,
        seed=recorded.run, keep_decisions=True,
    )  # fmt: skip


class _Samples:
    """Equity as it was marked, what was held then at the price then, and what became of it until the run ended."""

    def __init__(self, settle_coin: str) -> None:
        self._settle = settle_coin
        self._sizes: dict[InstrumentId, Decimal] = {}
        self._marks: dict[InstrumentId, float] = {}
        self._coins: dict[str, Decimal] = {}
        self._then = self._paid = ZERO
        self._plain = True  # equity is cash, linear contracts and priced coins, so that what came later can be reckoned
        self.all: list[Sample] = []

    def take(self, entry: Entry) -> None:
        """One record of the run."""
        event = entry.event
        if isinstance(event, TickerChanged):
            self._marks[event.instrument] = event.ticker.mark or event.ticker.last
        elif isinstance(event, BarClosed):
            self._marks.setdefault(event.instrument, event.bar.close)
        for command in entry.commands:
            if isinstance(command, PositionChanged) and not command.strategy:
                self._sizes[command.instrument] = command.size
            elif isinstance(command, BalanceChanged):
                self._coins[command.coin] = command.wallet
            elif isinstance(command, ExecutionBooked):
                self._book(command.execution)
            elif isinstance(command, LedgerBooked):
                self._plain = False
        for command in entry.commands:  # last: balances are stated after the mark they belong to
            if isinstance(command, EquityMarked) and not command.strategy:
                self._mark(command)

    def _mark(self, mark: EquityMarked) -> None:
        self.all.append(Sample(mark.at, mark.equity, self._exposure()))
        self._then, self._paid = self._worth(), ZERO
        self._plain = mark.equity == mark.cash + mark.unrealised + self._coins_worth()

    def _book(self, done: Execution) -> None:
        self._plain &= done.instrument.category in (Category.LINEAR, Category.SPOT)
        fee = done.fee if done.fee_coin == self._settle else ZERO  # other coins show it in their balance
        self._paid += fee + (ZERO if done.type == "Funding" else done.side.sign * done.value)

    def end(self, at: int) -> None:
        """The last moment: what was marked last, and every payment and price since."""
        if self.all and self._plain and at > self.all[-1].at:
            equity = self.all[-1].equity + self._worth() - self._then - self._paid
            self.all.append(Sample(at, equity, self._exposure()))

    def _worth(self) -> Decimal:
        """Positions in linear contracts at mark, and coins at their price."""
        held = [(i, size) for i, size in self._sizes.items() if i.category is Category.LINEAR]
        return sum((size * exact(self._marks.get(i, 0.0)) for i, size in held), self._coins_worth())

    def _coins_worth(self) -> Decimal:
        others = ((coin, amount) for coin, amount in self._coins.items() if coin != self._settle and amount)
        return sum((amount * exact(self._price(coin)) for coin, amount in others), ZERO)

    def _price(self, coin: str) -> float:
        """By the rule the engine values coins by: the spot pair's price, else the perpetual's."""
        spot, linear = (InstrumentId(it, f"{coin}{self._settle}") for it in (Category.SPOT, Category.LINEAR))
        return self._marks.get(spot, 0.0) or self._marks.get(linear, 0.0)

    def _exposure(self) -> Decimal:
        return sum((_value(i, size, self._marks.get(i, 0.0)) for i, size in self._sizes.items()), ZERO)


def _samples(recorded: Recorded, settle_coin: str) -> tuple[Sample, ...]:
    samples = _Samples(settle_coin)
    for entry in recorded.entries():
        samples.take(entry)
    samples.end(recorded.facts.ended)
    return tuple(samples.all)


def _value(i: InstrumentId, size: Decimal, mark: float) -> Decimal:
    """Of an inverse contract the size is its value in dollars."""
    return abs(size) if i.category is Category.INVERSE else abs(size) * exact(mark)


def _prices(history: History, job: BacktestJob) -> tuple[dict[str, tuple[PriceBar, ...]], int]:
    span = job.until - job.since
    lengths = [it for it in INTERVALS.values() if it >= INTERVALS[job.interval]]
    step = next((it for it in lengths if span // it <= BARS), lengths[-1])
    found, candles = {}, 0
    for series in history.series():
        if series.interval == job.interval and series.instrument in job.instruments:
            chart = Chart(step)
            for part in history.read(series, 0, job.until):
                assert isinstance(part, Candles)
                chart.take(part)
                candles += len(part)
            found[str(series.instrument)] = tuple(chart.bars)
    return found, candles


def _per_strategy(
    job: BacktestJob, samples: tuple[Sample, ...], fills: Iterable[Fill], recorded: Recorded
) -> dict[str, Metrics]:
    """Each strategy over the capital it was given, from the marks of its book's profit."""
    shares = {it.name: it.capital for it in job.strategies}
    marks: dict[str, list[Mark]] = {}
    for mark in recorded.said(EquityMarked):
        if mark.strategy:
            given = job.cash * shares.get(mark.strategy, Decimal(1))
            marks.setdefault(mark.strategy, []).append(Mark(mark.at, given + mark.equity))
    own: dict[str, list[Fill]] = {}
    for fill in fills:
        own.setdefault(fill.strategy, []).append(fill)
    return {name: metrics(rows, own.get(name, [])) for name, rows in marks.items()}


def _warnings(recorded: Recorded) -> tuple[Warned, ...]:
    found: list[tuple[str, str]] = []
    if recorded.first > 1:
        found.append(("pruned", f"the market data before record {recorded.first} was pruned: charts begin later"))
    if recorded.facts.missed:
        found.append(("missed", f"{len(recorded.facts.missed)} candles came late, after an interruption"))
    return tuple(Warned(code, text) for code, text in found)
