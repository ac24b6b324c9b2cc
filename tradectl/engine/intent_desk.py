"""From what a strategy asked for to what the order desk does about it."""

from tradectl.engine.allocation.allocator import Allocator
from tradectl.engine.execution_algorithms.requests import AlgorithmRequests
from tradectl.engine.express import Express
from tradectl.engine.intents import (
    AlgorithmIntent,
    AllocateIntent,
    AmendIntent,
    CancelAlgorithmIntent,
    CancelIntent,
    Intent,
    OrderIntent,
    ProtectIntent,
    TargetIntent,
    TimerIntent,
)
from tradectl.engine.order_desk import OrderDesk, Wish
from tradectl.engine.protection import Protections
from tradectl.engine.runner import Runner
from tradectl.engine.targets import Targets
from tradectl.engine.world import World
from tradectl.model.commands import AlertLevel, Check
from tradectl.model.money import ZERO
from tradectl.model.orders import OrderType, Side, TimeInForce, Trigger

STRATEGY_TIMER = "strategy:"


class IntentDesk:
    """Carries out the intents of one callback, in order; each sees the ones before it in flight."""

    def __init__(
        self, world: World, desk: OrderDesk, targets: Targets, protections: Protections, allocator: Allocator,
        algorithms: AlgorithmRequests, express: Express,
    ) -> None:  # fmt: skip
        self._w = world
        self._desk = desk
        self._targets = targets
        self._protections = protections
        self._allocator = allocator
        self._algorithms = algorithms
        self._express = express

    def process(self, runner: Runner, intents: list[Intent]) -> None:
        """Everything a callback asked for."""
        for intent in intents:
            if isinstance(intent, TargetIntent):
                self._target(runner, intent)
            elif isinstance(intent, OrderIntent):
                self._order(runner, intent)
            elif isinstance(intent, ProtectIntent):
                self._protections.protect(runner.name, intent)
            elif isinstance(intent, CancelIntent):
                self._cancel(runner, intent)
            elif isinstance(intent, AllocateIntent):
                self._allocate(runner, intent)
            elif isinstance(intent, AmendIntent):
                self._amend(runner, intent)
            elif isinstance(intent, AlgorithmIntent):
                self._algorithms.start_for(runner.name, intent, runner.late)
            elif isinstance(intent, CancelAlgorithmIntent):
                self._algorithms.cancel_for(runner.name, intent)
            else:
                self._timer(runner, intent)

    def _target(self, runner: Runner, intent: TargetIntent) -> None:
        self._allocator.note_target(runner.name, intent.instrument, intent.weight)
        capital = runner.capital() if intent.weight else ZERO
        self._targets.to_weight(
            runner.name, capital, intent.instrument, intent.weight, intent.reason, runner.late, intent.protection
        )

    def _order(self, runner: Runner, i: OrderIntent) -> None:
        info = self._w.instruments.get(i.instrument)
        if info is None:
            rule = f"{i.instrument} is not an instrument of this venue"
            check = Check("instrument", False, "", str(i.instrument), rule)
            self._desk.refuse(runner.name, i.instrument, "order", i.reason, check)
            return
        if not runner.late and _is_plain(i) and self._express.order(runner.name, info, i.side, i.qty):
            return
        wish = Wish(
            runner.name, info, i.side, (i.qty,), "order", i.reason, i.type, i.price, i.time_in_force, i.reduce_only,
            runner.late, trigger=trigger_asked(i), protection=i.protection, close_on_trigger=i.close_on_trigger,
            quote_qty=i.quote_qty,
        )  # fmt: skip
        self._desk.place(wish)

    def _cancel(self, runner: Runner, intent: CancelIntent) -> None:
        if not intent.link_id:
            symbol = intent.instrument.symbol if intent.instrument is not None else ""
            self._desk.cancel_entries(intent.reason, runner.name, symbol, everything=True)
            return
        order = self._w.orders.get(intent.link_id)
        if order is not None and order.strategy == runner.name:
            self._desk.cancel(order, intent.reason)

    def _amend(self, runner: Runner, intent: AmendIntent) -> None:
        order = self._w.orders.get(intent.link_id)
        if order is not None and order.strategy == runner.name:
            self._desk.amend(
                order, intent.qty, intent.price, intent.reason, "", intent.trigger_price, intent.take_profit,
                intent.stop_loss,
            )  # fmt: skip

    def _allocate(self, runner: Runner, intent: AllocateIntent) -> None:
        text = self._allocator.declare(intent.shares, f"{runner.name}: {intent.reason}")
        self._w.alert(AlertLevel.INFO, "allocation", f"{runner.name} shared out capital: {text}")

    def _timer(self, runner: Runner, intent: TimerIntent) -> None:
        name = f"{STRATEGY_TIMER}{runner.name}:{intent.name}"
        if intent.at:
            self._w.set_timer(name, intent.at)
        else:
            self._w.cancel_timer(name)


def _is_plain(i: OrderIntent) -> bool:
    """Whether it is a market order and nothing else."""
    if i.type is not OrderType.MARKET or i.price is not None or i.time_in_force is not TimeInForce.GTC:
        return False
    if i.stop is not None or i.touch is not None or i.protection is not None:
        return False
    return not (i.reduce_only or i.close_on_trigger or i.quote_qty)


def trigger_asked(i: OrderIntent) -> Trigger | None:
    """The trigger of an intent: a stop waits for a worse price than now, a touch for a better one."""
    buys = i.side is Side.BUY
    if i.stop is not None:
        return Trigger(i.stop, buys, i.trigger_by)
    return Trigger(i.touch, not buys, i.trigger_by) if i.touch is not None else None
