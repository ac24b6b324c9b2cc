"""From what a run over arrays booked to the records an event-driven run leaves of it."""

from collections.abc import Sequence

from tradectl.backtest.arrays.happened import Happened
from tradectl.backtest.job import BacktestJob
from tradectl.backtest.preparation import RUN
from tradectl.matching.ids import plain_execution_id, plain_order_id
from tradectl.model.commands import ExecutionBooked, OrderChanged
from tradectl.model.ids import SEQ_CHARS, link_prefix, to_base32
from tradectl.model.instruments import Instrument
from tradectl.model.money import ZERO
from tradectl.model.orders import Execution, OrderStatus, OrderType, Side, TimeInForce
from tradectl.performance.fills import Fill

#: What the ids of the first strategy's orders begin with.
_PREFIX = link_prefix(RUN, 1)
_BY_US = "CreateByUser"


class Records:
    """Makes the records of one job's run; ``decisions`` are the numbers of the decisions behind its trades."""

    def __init__(self, job: BacktestJob, instrument: Instrument, decisions: Sequence[int] = ()) -> None:
        self._name = job.strategies[0].name
        self._id, self._coin = instrument.id, instrument.settle_coin
        self._answer = job.models.latency.answer
        self._decisions = decisions

    def fill(self, it: Happened) -> Fill:
        """As performance is measured from it."""
        at, name = it.at + self._answer(it.at), plain_execution_id(it.number)
        if it.trade < 0:
            return Fill(
                name, at, self._name, self._id, 0 * it.qty, it.price, 0 * it.qty * it.price, ZERO, it.fee, ZERO, ZERO,
                False, self._coin, it.fee,
            )  # fmt: skip
        return Fill(
            name, at, self._name, self._id, it.sign * it.qty, it.price, it.sign * (it.qty * it.price), it.fee, ZERO,
            it.realised, it.sign * (it.price - it.arrival) * it.qty, False, self._coin, it.fee,
        )  # fmt: skip

    def execution(self, it: Happened) -> ExecutionBooked:
        """The execution as it entered the books."""
        paid, side, at = it.trade < 0, Side.BUY if it.sign > 0 else Side.SELL, it.at + self._answer(it.at)
        closed = min(it.qty, abs(it.held)) if not paid and it.held * it.sign < 0 else ZERO
        done = Execution(
            plain_execution_id(it.number), self._id, plain_order_id(it.number), "" if paid else self._link(it), side,
            it.price, it.qty, it.qty * it.price, it.fee, self._coin, False, it.at, "Funding" if paid else "Trade",
            closed, it.realised, it.rate, "", _BY_US,
        )  # fmt: skip
        if paid:
            return ExecutionBooked(at, done, self._name, 0, -it.fee, it.position)
        decision = self._decisions[it.trade]
        return ExecutionBooked(at, done, self._name, decision, it.realised, it.position, it.arrival)

    def order(self, it: Happened) -> OrderChanged:
        """The last that was said of a trade's order."""
        side = Side.BUY if it.sign > 0 else Side.SELL
        closes = it.held * it.sign < 0 and it.qty <= abs(it.held)
        return OrderChanged(
            it.at + self._answer(it.at), self._link(it), plain_order_id(it.number), self._name,
            self._decisions[it.trade], self._id, side, OrderType.MARKET, TimeInForce.IOC, it.qty, None,
            OrderStatus.FILLED, it.qty, it.price, closes, it.decided, it.fee,
        )  # fmt: skip

    def _link(self, it: Happened) -> str:
        return _PREFIX + to_base32(it.orders, SEQ_CHARS)
