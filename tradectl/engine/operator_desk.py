"""What a person asks of positions, strategies and the trading state: closes, halts, switches, stops."""

from collections.abc import Callable
from decimal import Decimal

from tradectl.engine.guards import Guards
from tradectl.engine.order_desk import OrderDesk
from tradectl.engine.portfolio_manager import EXTERNAL
from tradectl.engine.reconciler import Reconciler
from tradectl.engine.strategy_host import StrategyHost
from tradectl.engine.targets import Targets
from tradectl.engine.trading_state import AUTO, PERSON, STOPPING
from tradectl.engine.world import World
from tradectl.model.commands import AlertLevel, DecisionMade, Level, RequestAnswered
from tradectl.model.errors import ErrorCode
from tradectl.model.events import (
    AdoptRequested,
    CloseRequested,
    HaltRequested,
    ReconcileRequested,
    ResumeRequested,
    StopRequested,
    StrategySwitched,
)
from tradectl.model.instruments import InstrumentId
from tradectl.model.money import ZERO


class OperatorDesk:
    """Carries out a person's requests; each ends with a ``DecisionMade`` or a ``RequestAnswered``."""

    def __init__(
        self,
        world: World,
        desk: OrderDesk,
        targets: Targets,
        host: StrategyHost,
        guards: Guards,
        recon: Reconciler,
        adopted: Callable[[str, InstrumentId], None],
    ) -> None:
        self._w = world
        self._desk = desk
        self._targets = targets
        self._host = host
        self._guards = guards
        self._reconciler = recon
        self._adopted = adopted

    def _answer(self, text: str, orders: list[str] | tuple[str, ...] = ()) -> None:
        self._w.emit(RequestAnswered(True, text, "", tuple(orders)))

    def _refuse(self, code: ErrorCode, text: str) -> None:
        self._w.emit(RequestAnswered(False, text, code.value))

    # --- positions

    def close(self, e: CloseRequested) -> None:
        """Close one strategy's book of an instrument, or all of them; the foreign book only when named."""
        names = [e.strategy] if e.strategy else [n for n in self._w.portfolio.state.books if n != EXTERNAL]
        held = [n for n in names if self._w.portfolio.is_open(e.instrument, n)]
        if not held:
            self._refuse(ErrorCode.NOT_FOUND, f"there is no position in {e.instrument} to close")
            return
        made = [d for name in held for d in self._flatten(name, e.instrument, f"closed by {e.who}", e.who)]
        links = [link for d in made for link in d.orders]
        why = "; ".join(d.checks[-1].reason for d in made if not d.accepted)
        if why and not links:
            self._refuse(ErrorCode.RISK_REFUSED, f"{e.instrument} is not closed: {why}")
            return
        self._answer(f"closing {e.instrument} of {', '.join(held)}" + (f"; in part only: {why}" if why else ""), links)

    def _flatten(self, name: str, instrument: InstrumentId, reason: str, who: str) -> list[DecisionMade]:
        info = self._w.instruments.get(instrument)
        return [] if info is None else self._targets.to_size(name, info, ZERO, "close", reason, who=who)

    def _flatten_all(self, reason: str, who: str, strategy: str = "", symbol: str = "") -> list[str]:
        closed = []
        for name in list(self._w.portfolio.state.books):
            for instrument in self._w.portfolio.held_by(name):
                if strategy in ("", name) and symbol in ("", instrument.symbol) and name != EXTERNAL:
                    self._flatten(name, instrument, reason, who)
                    closed.append(f"{name} {instrument}")
        return closed

    def adopt(self, e: AdoptRequested) -> None:
        """Hand the foreign position to a strategy."""
        if e.strategy not in self._host.runners:
            self._refuse(ErrorCode.UNKNOWN_STRATEGY, f"no strategy is named {e.strategy}")
            return
        if not self._w.portfolio.is_open(e.instrument, EXTERNAL):
            self._refuse(ErrorCode.NOT_FOUND, f"there is no foreign position in {e.instrument}")
            return
        moved: Decimal = self._w.portfolio.adopt(e.instrument, e.strategy)
        for name in (EXTERNAL, e.strategy):
            self._w.dirty_books[(name, e.instrument)] = None
        self._adopted(e.strategy, e.instrument)
        self._answer(f"{moved} {e.instrument} now belongs to {e.strategy}")

    # --- trading state

    def halt(self, e: HaltRequested) -> None:
        """Stop trading; entries are cancelled, what protects a position stays."""
        scope = f"strategy:{e.strategy}" if e.strategy else f"symbol:{e.symbol}" if e.symbol else ""
        level = Level.REDUCING if e.reduce else Level.HALTED
        text = f"halted by {e.who}" + (f": {e.reason}" if e.reason else "")
        closed = self._flatten_all(text, e.who, e.strategy, e.symbol) if e.flatten else []
        self._w.restrict("operator_halt", level, PERSON, text, scope)
        done = self._desk.cancel_entries(text, e.strategy, e.symbol)
        self._w.alert(AlertLevel.CRITICAL, "halt", text, "tradectl resume")
        note = f"; closing {', '.join(closed)}" if closed else ""
        self._answer(f"{level.value}{' for ' + scope if scope else ''}; {len(done)} entries cancelled{note}", done)

    def resume(self, e: ResumeRequested) -> None:
        """Lift what a person may lift, within scope; what clears by itself stays until it does."""
        scope = f"strategy:{e.strategy}" if e.strategy else f"symbol:{e.symbol}" if e.symbol else None
        lifted = self._w.state.lift(scope)
        self._guards.latches.lifted(lifted)
        self._w.state_dirty |= bool(lifted)
        left = "; ".join(r.text for r in self._w.state.active())
        what = ", ".join(r.code for r in lifted) or "nothing"
        self._answer(f"lifted {what}" + (f"; still active: {left}" if left else ""))

    def switch(self, e: StrategySwitched) -> None:
        """Enable or disable a strategy; disabling cancels its entries and keeps (or closes) its position."""
        runner = self._host.runners.get(e.name)
        if runner is None:
            self._refuse(ErrorCode.UNKNOWN_STRATEGY, f"no strategy is named {e.name}")
            return
        self._host.switch(runner, e.enabled)
        if e.enabled:
            self._answer(f"{e.name} is {runner.status.value}")
            return
        done = self._desk.cancel_entries(f"{e.name} disabled by {e.who}", e.name)
        closed = self._flatten_all(f"{e.name} disabled by {e.who}", e.who, e.name) if e.flatten else []
        left = [str(i) for i in self._w.portfolio.held_by(e.name)]
        note = f"; closing {', '.join(closed)}" if closed else f"; keeps {', '.join(left)}" if left else ""
        self._answer(f"{e.name} is disabled, {len(done)} entries cancelled{note}", done)

    def stop(self, e: StopRequested) -> None:
        """The daemon goes down: entries are cancelled unless all is to be left; positions close only when asked."""
        done: list[str] = []
        closed: list[str] = []
        self._w.restrict(STOPPING, Level.REDUCING, AUTO, "the daemon is stopping")
        if e.leave == "flatten":
            closed = self._flatten_all(f"stop by {e.who}", e.who)
        if e.leave != "all":
            done = self._desk.cancel_entries(f"stop by {e.who}")
        left = [
            f"{book.size} {instrument}"
            for instrument, _, book in self._w.portfolio.positions()
            if book.size and e.leave != "flatten"
        ]
        parts = [f"{len(done)} entries cancelled", f"closing {', '.join(closed)}" if closed else ""]
        parts.append(f"left open: {', '.join(left)}" if left else "no position left open")
        self._answer("; ".join(p for p in parts if p), done)

    def reconcile(self, e: ReconcileRequested) -> None:
        """Read and compare the whole truth now."""
        self._reconciler.ask(f"asked by {e.who}")
        self._answer("reconciliation started")
