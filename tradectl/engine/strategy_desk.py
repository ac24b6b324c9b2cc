"""What is asked of a strategy instance from outside: other parameters, and its end."""

from tradectl.engine.order_desk import OrderDesk
from tradectl.engine.runner import Runner
from tradectl.engine.strategy_host import StrategyHost
from tradectl.engine.world import World
from tradectl.model.commands import ParametersChanged, RequestAnswered, StrategyStatus
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.events import ParametersSet, StrategyEnded


class StrategyDesk:
    """Carries out requests about instances; positions and their stops stay in every case."""

    def __init__(self, world: World, host: StrategyHost, desk: OrderDesk) -> None:
        self._w = world
        self._host = host
        self._desk = desk

    def set_parameters(self, e: ParametersSet) -> None:
        """Change parameters: entries are cancelled, and the instance starts from warm-up with the new ones."""
        runner = self._host.runners.get(e.name)
        if runner is None:
            self._refuse(ErrorCode.UNKNOWN_STRATEGY, f"no strategy is named {e.name}")
            return
        before = runner.params
        try:
            runner.change(e.parameters)
        except Problem as problem:
            remedy = f"; {problem.remedy}" if problem.remedy else ""
            self._refuse(problem.code, f"{problem.message}{remedy}")
            return
        if runner.params == before and runner.status is not StrategyStatus.STOPPED:
            self._w.emit(RequestAnswered(True, f"{e.name}: nothing changes"))
            return
        self._restart(runner, e.who)

    def _restart(self, runner: Runner, who: str) -> None:
        done = self._desk.cancel_entries(f"{runner.name}: parameters set by {who}", runner.name)
        params = tuple((name, str(value)) for name, value in runner.params.items())
        self._w.emit(ParametersChanged(self._w.now, runner.name, who, params))
        self._host.begin_anew(runner)
        why = f" ({runner.reason})" if runner.status is StrategyStatus.STOPPED else ""
        text = f"{runner.name} is {runner.status.value}{why} with its new parameters, {len(done)} entries cancelled"
        self._w.emit(RequestAnswered(True, text + self._left(runner), "", tuple(done)))

    def _left(self, runner: Runner) -> str:
        held = self._w.portfolio.held_by(runner.name)
        if not held:
            return ""
        stray = [str(i) for i in held if runner.started and i not in runner.symbols()]
        note = f"; keeps its position in {', '.join(map(str, held))}"
        return note + (f", but no longer follows {', '.join(stray)}: close it yourself" if stray else "")

    def ended(self, e: StrategyEnded) -> None:
        """It hung or killed the process before, or cannot be loaded: it stays down until a person acts."""
        self._host.end(e.name, e.reason)

    def _refuse(self, code: ErrorCode, text: str) -> None:
        self._w.emit(RequestAnswered(False, text, code.value))
