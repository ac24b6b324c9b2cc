"""Parts of the engine alone: each pre-trade check, all of them together with few and many open orders, the queue."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial

from msgspec.structs import replace

from tests.benchmarks.engine_script import BTC, ready_engine
from tests.benchmarks.measure import Effort, Row, cpu_us, interleaved
from tradectl.engine.config import QueueLimits
from tradectl.engine.order_queue import OrderQueue, Waiting
from tradectl.engine.order_state import Order
from tradectl.engine.risk_checks import ALL_CHECKS, Candidate, RiskCheck
from tradectl.engine.risk_checks.applicable import applicable
from tradectl.engine.risk_view import View
from tradectl.engine.trading_engine import TradingEngine
from tradectl.model.events import Action
from tradectl.model.orders import OrderSpec, OrderStatus, OrderType, Side

MANY, FEW = 60, 10
#: Requests in the queue, and how many of them the budget of one release lets go.
DEPTHS, ROOM = (10, 1_000), 10
_SECOND = 10**9


def _candidate(engine: TradingEngine) -> Candidate:
    """A limit order that passes every check. Raises ``RuntimeError`` when it does not."""
    info = engine.world.instruments[BTC]
    price = engine.world.market.touch(BTC, True)
    c = Candidate("operator", info, Side.BUY, OrderType.LIMIT, info.lot_size * 10, price, False)
    verdicts = engine.risk.check(c)
    if not verdicts[-1].ok:
        raise RuntimeError(f"the candidate is refused: {verdicts[-1]}")
    return c


def _crowd(engine: TradingEngine, count: int) -> None:
    """So many open orders, half of them on each side, of four strategies."""
    w = engine.world
    for number in range(count):
        side = Side.BUY if number % 2 else Side.SELL
        name, price = f"crowd{number % 4}", Decimal(90_000 if side is Side.BUY else 110_000)
        spec = OrderSpec(w.next_link(name), BTC, side, OrderType.LIMIT, Decimal("0.010"), price)
        w.add_order(Order(spec, name, 0, w.seq, w.now, OrderStatus.NEW, spec.qty, spec.price))


def _times(work: Callable[[], object], times: int) -> Callable[[], int]:
    def repeat() -> int:
        for _ in range(times):
            work()
        return times

    return repeat


def risk_rows(effort: Effort) -> Iterator[Row]:
    """All checks of one order, with no, few and many open orders; and each check by its name."""
    times = effort.count(1_000, least=10)
    jobs: dict[str, Callable[[], float]] = {}
    for count in (0, FEW, MANY):
        engine = ready_engine(())
        _crowd(engine, count)
        c = _candidate(engine)
        jobs[f"{count}"] = partial(cpu_us, _times(partial(engine.risk.check, c), times))
    found = interleaved(effort.rounds, jobs)
    passed = len(engine.risk.check(c))
    for count in (0, FEW, MANY):
        yield Row(
            name=f"engine.checks-{count}", what=f"all pre-trade checks of a limit order, {count} orders open, CPU",
            unit="us", values=found[f"{count}"], note=f"{passed} checks apply",
        )  # fmt: skip
    yield from check_rows(effort, times)


def check_rows(effort: Effort, times: int) -> Iterator[Row]:
    """Each check that applies to a limit order; what several share (equity, positions) was worked out before."""
    engine = ready_engine(())
    c = _candidate(engine)
    view = View(engine.world, c, engine.world.guard)
    on = [check for check in applicable(ALL_CHECKS, view.in_force) if check(c, view) is not None]
    found = interleaved(effort.rounds, {check.name: _job(check, c, view, times) for check in on})
    for check in on:
        yield Row(
            name=f"engine.check.{check.name}", what=f"the check {check.name} of a limit order that passes, CPU",
            unit="us", values=found[check.name],
        )  # fmt: skip


def _job(check: RiskCheck, c: Candidate, view: View, times: int) -> Callable[[], float]:
    return partial(cpu_us, _times(partial(check, c, view), times))


def _release_us(depth: int, rounds: int) -> float:
    """CPU per request that leaves a queue in which ``depth`` wait, a new one coming for each that left."""
    queue = OrderQueue(QueueLimits(derivative_create=ROOM, reserve=0, batch=False, max_waiting=100_000))
    fresh = Waiting(Action.CREATE, "", BTC, False, 0, strategy="one")
    for number in range(depth):
        queue.add(replace(fresh, link_id=f"first-{number}"))

    def work() -> int:
        sent = 0
        for second in range(rounds):
            now = second * 2 * _SECOND
            left = queue.release(now)
            queue.next_at(now)
            for number in range(len(left)):
                queue.add(replace(fresh, link_id=f"{second}-{number}", since=now))
            sent += len(left)
        return sent

    return cpu_us(work)


def queue_rows(effort: Effort) -> Iterator[Row]:
    """What a request costs on its way through the queue, with few and with many before it."""
    rounds = effort.count(200, least=3)
    found = interleaved(effort.rounds, {str(depth): partial(_release_us, depth, rounds) for depth in DEPTHS})
    for depth in DEPTHS:
        yield Row(
            name=f"engine.queue-{depth}", what=f"a request through the queue, {depth} waiting, {ROOM} leave at a time, "
            "CPU", unit="us", values=found[str(depth)],
        )  # fmt: skip
