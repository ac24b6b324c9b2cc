"""What persons and strategies ask for: algorithms to start and to end, each answered and recorded."""

from tradectl.engine.execution_algorithms.algorithm_desk import AlgorithmDesk
from tradectl.engine.execution_algorithms.kinds import KINDS
from tradectl.engine.execution_algorithms.standing import StrategyVeto, standing
from tradectl.engine.execution_algorithms.starting import Wanted, started, unknown
from tradectl.engine.execution_algorithms.state import Run
from tradectl.engine.intents import AlgorithmIntent, CancelAlgorithmIntent
from tradectl.engine.order_desk import described
from tradectl.engine.world import OPERATOR, World
from tradectl.model.commands import Check, DecisionMade, RequestAnswered
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.events import AlgorithmCancelRequested, AlgorithmRequested
from tradectl.model.orders import Side


class AlgorithmRequests:
    """Judges requests and hands them to the desk. ``veto`` says why a strategy may not have algorithms now."""

    def __init__(self, world: World, desk: AlgorithmDesk, veto: StrategyVeto) -> None:
        self._w = world
        self._desk = desk
        self._veto = veto

    # --- persons

    def start(self, e: AlgorithmRequested) -> None:
        """Start one for a person: its ``AlgorithmChanged`` is the answer, or a refusal naming field and rule."""
        asked = AlgorithmIntent(e.kind, e.instrument, e.side, e.qty, dict(e.parameters), e.reason)
        try:
            self._start(e.strategy or OPERATOR, asked, e.who or OPERATOR)
        except Problem as problem:
            self._w.emit(RequestAnswered(False, problem.message, problem.code.value))

    def cancel(self, e: AlgorithmCancelRequested) -> None:
        """End one for a person; its orders are being cancelled, what they filled stays."""
        run = self._desk.state.working.get(e.id)
        if run is None:
            over = self._desk.state.ended.get(e.id)
            code = ErrorCode.UNKNOWN_ORDER if over is None else ErrorCode.CONFLICT
            text = f"no algorithm has the id a{e.id}" if over is None else f"a{e.id} is {over.status.value} already"
            self._w.emit(RequestAnswered(False, text, code.value))
            return
        links = tuple(link for link, c in run.children.items() if not c.settled)
        self._desk.end(run, f"cancelled by {e.who}")
        text = f"{run.kind} a{e.id} is being cancelled, {len(links)} orders with it"
        self._w.emit(RequestAnswered(True, text, "", links))

    # --- strategies

    def start_for(self, strategy: str, asked: AlgorithmIntent, late: bool) -> None:
        """Start one for a strategy, or record why not; on a bar that is late nothing is begun."""
        try:
            if late:
                raise Problem(ErrorCode.RISK_REFUSED, "the bar closed while the daemon was away", field="late_bar")
            self._start(strategy, asked, "")
        except Problem as problem:
            check = Check(problem.field or "algorithm", False, "", asked.kind, problem.message)
            self._decide(strategy, asked, check)

    def cancel_for(self, strategy: str, asked: CancelAlgorithmIntent) -> None:
        """End one of a strategy's own; any other id is left alone."""
        run = self._desk.state.working.get(asked.id)
        if run is not None and run.strategy == strategy:
            self._desk.end(run, asked.reason)

    # --- both

    def _start(self, strategy: str, asked: AlgorithmIntent, who: str) -> None:
        w = self._w
        info = w.instruments.get(asked.instrument)
        if info is None:
            raise unknown(asked.instrument)
        price = w.market.touch(info.id, asked.side is Side.BUY)
        wanted = Wanted(asked.kind, strategy, info, asked.side, asked.qty, asked.parameters, asked.reason, price, who)
        run = started(wanted, self._desk.state.next_id, w.now)
        self._check_standing(run)
        self._decide(strategy, asked, Check("algorithm", True, "", asked.kind), run.id, who)
        self._desk.begin(run)

    def _check_standing(self, run: Run) -> None:
        now = standing(self._w, run, KINDS[run.kind].two_sided, self._veto)
        if now.ends:
            halted = self._w.state.level(run.strategy, run.instrument.symbol).value == "HALTED"
            code = ErrorCode.HALTED if halted else ErrorCode.RISK_REFUSED
            raise Problem(code, now.ends, field="trading_state", remedy="tradectl status shows why")

    def _decide(self, strategy: str, asked: AlgorithmIntent, check: Check, id_: int = 0, who: str = "") -> None:
        w = self._w
        w.decision_seq += 1
        w.emit(
            DecisionMade(
                w.decision_seq, w.cause, w.now, strategy, asked.instrument, asked.kind, asked.side, asked.qty, None,
                asked.reason, check.ok, (check,), (), who, described(w), algorithm=id_,
            )
        )  # fmt: skip
