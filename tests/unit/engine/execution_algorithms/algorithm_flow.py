"""Random lives of algorithms: orders lost, refused, filled and cancelled in any order, with a restart at each step.

Before every event the engine is written down and another one restored from it; both take the event and must decide the
same to the byte. The restored one goes on.
"""

from decimal import Decimal

from tests.unit.engine.flow import PRICE, Choices, Flow, Idle
from tests.unit.engine.harness import BTC, SECOND, Bench, config, encoded
from tests.unit.engine.venue import Resting
from tradectl.engine.config import StrategyConfig
from tradectl.engine.execution_algorithms.kinds import KINDS
from tradectl.engine.trading_engine import TradingEngine
from tradectl.model.commands import AlgorithmChanged, AlgorithmStatus, Command, OrderChanged, RiskApproved
from tradectl.model.events import AlgorithmCancelRequested, AlgorithmRequested, Event
from tradectl.model.orders import Side

QTY = Decimal("1.2")
#: Every kind with parameters that make it act within the few minutes a flow lasts.
ASKED: tuple[tuple[str, dict[str, str]], ...] = (
    ("twap", {"minutes": "1", "slices": "4"}),
    ("twap", {"minutes": "1", "slices": "3", "limit": "100.5"}),
    ("vwap", {"minutes": "1", "slices": "4"}),
    ("iceberg", {"limit": "100", "visible": "0.4"}),
    ("chase", {"timeout_s": "40", "cross": "true"}),
    ("chase", {"limit": "101"}),
    ("grid", {"low": "97", "high": "103", "levels": "4"}),
    ("dca", {"orders": "3", "volume_scale": "1.5"}),
    ("dca", {"orders": "3", "every_minutes": "0.2"}),
    ("scaled", {"low": "98", "high": "102", "count": "4", "shape": "up"}),
)


class RebornBench(Bench):
    """Restarts the engine from its checkpoint before every event."""

    def feed(self, event: Event) -> tuple[Command, ...]:
        other = TradingEngine(self.config, self.classes)
        other.restore(self.engine.checkpoint())
        out = super().feed(event)
        assert encoded(other.apply(event)) == encoded(out)
        self.engine = other
        return out


class AlgorithmFlow(Flow):
    """A flow whose persons start and end algorithms, and whose every step is checked at the venue."""

    def __init__(self, choices: Choices) -> None:
        self.algorithm_of: dict[str, int] = {}
        self.asked: dict[int, AlgorithmRequested] = {}
        self.told: dict[int, AlgorithmChanged] = {}
        self._waits_for_id: AlgorithmRequested | None = None
        alpha = StrategyConfig(name="alpha", class_="idle")
        super().__init__(choices, RebornBench(config(alpha), {"idle": Idle}))

    # --- what persons do

    def person_orders(self) -> None:
        if len(self.asked) >= 3:
            self.price_moves()
            return
        kind, parameters = ASKED[self.choices.pick(len(ASKED))]
        side = Side.BUY if self.choices.pick(2) else Side.SELL
        asked = AlgorithmRequested(
            self.bench.now, "me", kind, BTC, side, QTY, parameters, ("", "alpha")[self.choices.pick(2)]
        )
        self._waits_for_id = asked
        self.feed(asked)
        self._waits_for_id = None

    def person_amends(self) -> None:
        self.price_moves()

    def person_cancels(self) -> None:
        """Of an order or of an algorithm."""
        if self.choices.pick(3) or not self.told:
            super().person_cancels()
            self.unwanted.clear()  # what is cancelled is placed anew
            return
        self.end_algorithm(list(self.told)[self.choices.pick(len(self.told))])

    def end_algorithm(self, id_: int) -> None:
        self.feed(AlgorithmCancelRequested(self.bench.now, "me", id_))

    def venue_fills(self) -> None:
        """Any part of an order, down to the last lot."""
        order = self._at_venue(fillable=True)
        if order is not None:
            lots = int(order.leaves * 1000)
            part = lots if self.choices.pick(2) else self.choices.pick(lots) + 1
            self.venue.fill(order, Decimal(part) / 1000, PRICE + Decimal(self.choices.pick(9) - 4) / 10)
            self._hear()

    def power_loss(self) -> None:
        """Orders may be lost with the end of the journal, not the algorithms themselves. What had left arrived before
        the machine was back. With two algorithms in one book nobody can say whose a forgotten order was."""
        persons = (AlgorithmRequested, AlgorithmCancelRequested)
        begun = [n for n, e in enumerate(self.bench.events) if isinstance(e, persons)]
        alone = len({a.strategy for a in self.asked.values()}) == len(self.asked)
        if alone and begun and begun[-1] < len(self.bench.events) - 8:
            while self.to_venue:
                self._take(self.to_venue.pop(0))
            super().power_loss()

    # --- what must hold after every step

    def _carry(self, out: tuple[Command, ...]) -> None:
        super()._carry(out)
        for command in out:
            if isinstance(command, OrderChanged) and command.algorithm:
                self.algorithm_of[command.link_id] = command.algorithm
            elif isinstance(command, AlgorithmChanged):
                if command.id not in self.asked and self._waits_for_id is not None:
                    self.asked[command.id] = self._waits_for_id
                self.told[command.id] = command
        for id_ in self.asked:
            self.check_size(id_)
            self.check_orphans(id_)

    def _of(self, id_: int) -> list[Resting]:
        return [o for link, o in self.venue.orders.items() if self.algorithm_of.get(link) == id_]

    def _asked_for(self, id_: int, side: Side) -> tuple[Decimal, Decimal]:
        """At the venue and on the way to it: what is filled, and what may still fill."""
        filled = pending = Decimal(0)
        for order in self._of(id_):
            if order.side is side:
                filled += order.cum_qty
                pending += self._most(order) if order.is_open else Decimal(0)
        for command in self.to_venue:
            order_ = command.order if isinstance(command, RiskApproved) else None
            if order_ is not None and order_.side is side and self.algorithm_of.get(order_.link_id) == id_:
                pending += order_.qty
        return filled, pending

    def _most(self, order: Resting) -> Decimal:
        """What an open order may still fill, with the amendments on their way to it."""
        asked = [c.amendment for c in self.to_venue if isinstance(c, RiskApproved) and c.amendment is not None]
        sizes = [a.qty for a in asked if a.link_id == order.link_id and a.qty is not None]
        return max([order.qty, *sizes]) - order.cum_qty

    def check_size(self, id_: int) -> None:
        """Filled and in flight together are never more than what was asked for, and nothing is given back twice."""
        asked = self.asked[id_]
        filled, pending = self._asked_for(id_, asked.side)
        back, going_back = self._asked_for(id_, asked.side.opposite)
        assert filled + pending - back <= asked.qty, f"a{id_} {asked.kind}: {filled} and {pending} of {asked.qty}"
        assert back + going_back <= filled, f"a{id_} {asked.kind} gives back {back} and {going_back} of {filled}"
        if not KINDS[asked.kind].two_sided:
            assert not back + going_back

    def check_orphans(self, id_: int) -> None:
        """One that ended leaves no order behind."""
        told = self.told[id_]
        if told.status is not AlgorithmStatus.WORKING:
            left = [o.link_id for o in self._of(id_) if o.is_open]
            assert not left, f"a{id_} {told.kind} is {told.status.value} and left {left}"

    # --- the end

    def end_all(self) -> None:
        """Persons end what still works; then everything arrives."""
        for id_, told in list(self.told.items()):
            if told.status is AlgorithmStatus.WORKING:
                self.end_algorithm(id_)
        self.finish()

    def compare_algorithms(self) -> None:
        """All are over, and filled what the venue says their orders filled."""
        for id_, told in self.told.items():
            assert told.status is not AlgorithmStatus.WORKING, f"a{id_} {told.kind} works for ever: {told.note}"
            filled, pending = self._asked_for(id_, self.asked[id_].side)
            assert not pending
            assert told.filled >= filled if self.cut else told.filled == filled, (
                f"a{id_} {told.kind}: {told.filled} {filled}"
            )
        assert not [o for o in self.venue.open_orders() if o.link_id in self.algorithm_of]


def run(numbers: list[int]) -> AlgorithmFlow:
    """One life, from the first number to the last."""
    flow = AlgorithmFlow(Choices(numbers))
    flow.person_orders()
    for _ in range(len(numbers) // 3):
        flow.step()
    for _ in range(6):  # the algorithms go on with what is left of their time
        flow.finish()
        flow._carry(tuple(flow.bench.wait(5 * SECOND)))
    flow.end_all()
    return flow
