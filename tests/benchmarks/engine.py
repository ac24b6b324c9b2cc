"""The engine: CPU per market event with strategies that follow the market, with one, with none; risk checks; orders.

Each round applies the same recorded events (a market, and the answers of a venue to the orders that came of it) to a
fresh engine, so that nothing but the engine is in the figure.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial

from tests.benchmarks.engine_parts import queue_rows, risk_rows
from tests.benchmarks.engine_script import Climb, Script, Walk, ready_engine, record
from tests.benchmarks.full_path import record_full
from tests.benchmarks.measure import Effort, Goal, Row, cpu_us, interleaved, settled_memory
from tradectl.engine.config import StrategyConfig
from tradectl.engine.trading_engine import TradingEngine
from tradectl.model.events import BarClosed, BookChanged, Event, QuoteChanged, TickerChanged, TradePrinted

#: What a busy symbol sends in a minute, scaled down: prints, best prices, tickers, a book, and one closed candle.
MARKET = {QuoteChanged: 30, TradePrinted: 15, TickerChanged: 10, BookChanged: 4, BarClosed: 1}
#: Ten events a second: timers, which come by the clock, keep the share they have beside a market that moves.
BUSY = {kind: count if kind is BarClosed else 10 * count for kind, count in MARKET.items()}
#: Candles alone; risk needs a price now and then.
CANDLES = {BarClosed: 1}


def ema_crosses(count: int) -> tuple[StrategyConfig, ...]:
    """Instances with parameters of their own."""
    return tuple(
        StrategyConfig(name=f"ema{n}", class_="ema_cross", params={"fast": 5 + n, "slow": 20 + 3 * n})
        for n in range(count)
    )


def listeners(count: int) -> tuple[StrategyConfig, ...]:
    """Instances that hear every quote and print and do nothing."""
    return tuple(StrategyConfig(name=f"ear{n}", class_="listener") for n in range(count))


def buyers() -> tuple[StrategyConfig, ...]:
    """One instance that sends an order on every quote."""
    return (StrategyConfig(name="buyer", class_="quote_buyer"),)


def dispatch(script: Script) -> int:
    """The floor: a Struct and a dict of handlers, nothing else."""
    last: dict[object, tuple[float, float]] = {}

    def quote(event: QuoteChanged) -> None:
        last[event.instrument] = (event.bid, event.ask)

    def ignore(event: Event) -> None:
        return

    table: dict[type, Callable[..., None]] = {QuoteChanged: quote}
    for kind in (TickerChanged, TradePrinted, BookChanged, BarClosed):
        table[kind] = ignore
    for event in script.market:
        table[type(event)](event)
    return len(script.market)


def two_averages(script: Script) -> int:
    """The floor of a candle: the same loop with the two averages of one strategy."""
    fast = slow = 100.0
    crossed = 0

    def bar(event: BarClosed) -> None:
        nonlocal fast, slow, crossed
        before = fast > slow
        close = event.bar.close
        fast += 0.18 * (close - fast)
        slow += 0.06 * (close - slow)
        crossed += (fast > slow) != before

    table: dict[type, Callable[..., None]] = {BarClosed: bar}
    count = 0
    for event in script.market:
        handler = table.get(type(event))
        if handler is not None:
            handler(event)
            count += 1
    return count


def _apply_all(engine: TradingEngine, script: Script) -> int:
    apply = engine.apply
    for event in script.events:
        apply(event)
    return len(script.market)


def _engine_us(script: Script) -> float:
    return cpu_us(partial(_apply_all, ready_engine(script.strategies), script))


def _row(
    name: str, what: str, effort: Effort, script: Script, floors: dict[str, Callable[[Script], int]], *goals: Goal
) -> Row:
    jobs: dict[str, Callable[[], float]] = {"own": partial(_engine_us, script)}
    jobs |= {label: partial(cpu_us, partial(work, script)) for label, work in floors.items()}
    found = interleaved(effort.rounds, jobs)
    note = f"{len(script.market):,} market events, {script.orders} orders sent and filled" if script.orders else ""
    values = found.pop("own")
    return Row(
        name=f"engine.{name}", what=f"{what}, CPU per market event", unit="us", values=values, floors=found,
        goals=goals, note=note,
    )  # fmt: skip


def market_rows(effort: Effort) -> Iterator[Row]:
    """The engine under a market."""
    n = effort.count(60_000, least=300)
    floor = {"dispatch": dispatch}
    for count, goal in ((10, 10.0), (1, 10.0), (0, 3.0)):
        script = record(ema_crosses(count), MARKET, n)
        who = f"{count} ema_cross following the symbol" if count else "nobody interested"
        yield _row(
            f"market-{count}", f"quotes, prints, tickers, book, candles; {who}", effort, script, floor, Goal(goal)
        )
    script = record(listeners(10), {QuoteChanged: 1}, n // 3)
    yield _row("quote-10", "a quote heard by 10 strategies", effort, script, floor, Goal(10.0))
    yield from candle_rows(effort, n // 4)


def candle_rows(effort: Effort, n: int) -> Iterator[Row]:
    """Candles alone, which every ``ema_cross`` hears: with the orders that come of them, and where none does."""
    for count in (10, 1):
        floors = {"two averages": two_averages} if count == 1 else {"dispatch": dispatch}
        for name, price, what in ((f"candle-{count}", Walk, "with its orders"), (f"quiet-{count}", Climb, "no order")):
            script = record(ema_crosses(count), CANDLES, n, price)
            yield _row(name, f"a candle heard by {count} ema_cross, {what}", effort, script, floors, Goal(10.0))


def full_rows(effort: Effort) -> Iterator[Row]:
    """Ten built-in strategies that trade on candles: everything the engine does, its answers and timers included."""
    script, origin = record_full(BUSY, effort.count(60, least=3))
    jobs: dict[str, Callable[[], float]] = {
        "own": partial(_engine_us, script), "dispatch": partial(cpu_us, partial(dispatch, script)),
    }  # fmt: skip
    found = interleaved(effort.rounds, jobs)
    values, told, seen = found.pop("own"), len(script.events), len(script.market)
    note = f"{seen:,} market events on {origin} candles, {told:,} with answers and timers, {script.orders} orders"
    yield Row(
        name="engine.full-10", what="the full path: ten built-in strategies trade, risk, queue, portfolio, CPU per "
        "market event with the answers and timers it brings", unit="us", values=values, floors=found,
        goals=(Goal(10.0),), note=note,
    )  # fmt: skip
    rates = [told / seen / us * 1e6 for us in values]
    yield Row(
        name="engine.full-rate", what="the same: events of all kinds through the engine in a second of CPU",
        unit="events/s", values=rates,
    )  # fmt: skip


def _order_us(script: Script, answers: bool) -> float:
    """CPU per order of the quotes that lead to one, or of the answers to it."""
    engine = ready_engine(script.strategies)
    spent = count = 0
    clock = time.thread_time_ns
    with settled_memory():
        for event in script.events:
            before = clock()
            engine.apply(event)
            if isinstance(event, QuoteChanged) is not answers:
                spent += clock() - before
            count += isinstance(event, QuoteChanged)
    return spent / count / 1_000


def order_rows(effort: Effort) -> Iterator[Row]:
    """What an order costs from quote to approval, and what its answers cost."""
    script = record(buyers(), {QuoteChanged: 30}, effort.count(3_000, least=60))
    jobs = {"out": partial(_order_us, script, False), "in": partial(_order_us, script, True)}
    found = interleaved(effort.rounds, jobs)
    what = "a quote on which a strategy orders: callback, risk, queue, approval, CPU per order"
    yield Row(name="engine.order-out", what=what, unit="us", values=found["out"])
    rates = [1e6 / (one + other) for one, other in zip(found["out"], found["in"], strict=True)]
    whole = "orders from quote to last report in a second of CPU"
    yield Row(name="engine.order-rate", what=whole, unit="orders/s", values=rates)
    yield Row(
        name="engine.order-in", what="its ack, fill and last report, CPU per order", unit="us", values=found["in"]
    )


def rows(effort: Effort) -> Iterator[Row]:
    """Everything about the engine."""
    yield from market_rows(effort)
    yield from full_rows(effort)
    yield from order_rows(effort)
    yield from risk_rows(effort)
    yield from queue_rows(effort)
