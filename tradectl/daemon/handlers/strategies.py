"""Strategy instances: what they are and do, switching them on and off."""

from decimal import Decimal
from pathlib import Path
from typing import Any

from tradectl.daemon import reloading
from tradectl.daemon.service import Service, who
from tradectl.engine.parameters import Parameter
from tradectl.engine.runner import Runner
from tradectl.model.commands import RequestAnswered
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.events import CancelRequested, ParametersSet, StrategySwitched
from tradectl.rpc import methods, params, rows
from tradectl.rpc.server import Peer
from tradectl.strategies import loader as strategy_loader


def handlers(s: Service) -> list[tuple[methods.Method[Any, Any], Any]]:
    """The methods of this file."""
    return [
        (methods.STRATEGIES_LIST, lambda p, peer: methods.StrategyList(strategy_rows(s), s.views.seq)),
        (methods.STRATEGIES_SHOW, lambda p, peer: _show(s, p)),
        (methods.STRATEGIES_ENABLE, lambda p, peer: _switch(s, p.name, True, False, peer)),
        (methods.STRATEGIES_DISABLE, lambda p, peer: _switch(s, p.name, False, p.flatten, peer)),
        (methods.STRATEGIES_RELOAD, lambda p, peer: _reload(s, p, peer)),
        (methods.STRATEGIES_SET, lambda p, peer: _set(s, p, peer)),
        (methods.STRATEGIES_CHECK, lambda p, peer: _check(s, p)),
    ]


def strategy_rows(s: Service) -> tuple[rows.StrategyRow, ...]:
    """Every instance as a row."""
    return tuple(_row(s, runner) for runner in s.engine.host.runners.values())


def _row(s: Service, runner: Runner) -> rows.StrategyRow:
    v = s.views
    books = [rows.PositionRow.of(p, v.mark(i)) for (name, i, _), p in v.positions.items() if name == runner.name]
    told = v.strategies.get(runner.name)
    zero = Decimal(0)
    return rows.StrategyRow(
        name=runner.name,
        class_name=runner.config.class_,
        status=told.status if told is not None else runner.status,
        symbols=tuple(dict.fromkeys(i.symbol for i in runner.symbols())) or _declared_symbols(runner),
        capital=runner.capital(),
        equity=s.engine.world.valuation.strategy(runner.name).equity,
        realised=sum((b.realised for b in books), zero),
        unrealised=sum((b.unrealised or zero for b in books), zero),
        fees=sum((b.fees for b in books), zero),
        open_orders=sum(1 for o in v.open_orders() if o.strategy == runner.name),
        open_positions=sum(1 for b in books if b.size),
        trades=s.engine.world.portfolio.state.trades.get(runner.name, 0),
        reason=told.reason if told is not None else runner.reason,
        interval=str(runner.params.get("interval", "")),
        parameters=runner.params,
        enabled=(told.status if told is not None else runner.status).value != "disabled",
    )


def _declared_symbols(runner: Runner) -> tuple[str, ...]:
    symbol = runner.params.get("symbol")
    return (symbol,) if isinstance(symbol, str) else ()


def _runner(s: Service, name: str) -> Runner:
    found = s.engine.host.runners.get(name)
    if found is None:
        raise Problem(
            ErrorCode.UNKNOWN_STRATEGY, f"no strategy is named {name!r}", field="name", reason="unknown instance",
            remedy="tradectl strategies lists them",
        )  # fmt: skip
    return found


def _show(s: Service, p: params.StrategyName) -> methods.StrategyDetail:
    runner = _runner(s, p.name)
    books = tuple(r for r in s.views.position_rows(books=True) if r.strategy == p.name)
    orders = tuple(rows.OrderRow.of(o) for o in s.views.open_orders() if o.strategy == p.name)
    return methods.StrategyDetail(_row(s, runner), books, orders, s.views.seq)


def _switch(s: Service, name: str, enabled: bool, flatten: bool, peer: Peer) -> methods.Done:
    runner = _runner(s, name)
    if enabled and runner.cls.absent:
        raise Problem(
            ErrorCode.CONFLICT, f"{name} cannot be enabled: {runner.cls.absent}", field="name",
            reason="its class is gone", remedy="bring it back, then: tradectl strategies reload",
        )  # fmt: skip
    _, answer = s.ask(StrategySwitched(s.now(), who(peer), name, enabled, flatten), RequestAnswered)
    return methods.Done(answer.text, answer.orders)


def _reload(s: Service, p: params.ReloadStrategies, peer: Peer) -> methods.Done:
    """Take in changed code and settings: what changed warms up anew, everybody's positions stay with their stops."""
    settings = s.settings()
    if p.name and p.name not in [c.name for c in settings.strategies]:
        _runner(s, p.name)
    plan = reloading.planned(s.engine, settings, s.strategies_dir, p.name)
    if plan.is_empty:
        return methods.Done("nothing changed")
    for name in (*plan.changed, *plan.removed, *plan.gone):
        s.pump.feed(CancelRequested(s.now(), who(peer), strategy=name))
    books = s.engine.world.portfolio.state.books
    held = {name: [f"{b.size} {i}" for i, b in own.items() if b.size] for name, own in books.items()}
    s.reload(plan)
    return methods.Done(reloading.told(plan, held))


def _set(s: Service, p: params.SetParameters, peer: Peer) -> methods.Done:
    """Change parameters of a running instance; it starts from warm-up with the new ones."""
    _runner(s, p.name)
    _, answer = s.ask(ParametersSet(s.now(), who(peer), p.name, p.parameters), RequestAnswered)
    return methods.Done(answer.text, answer.orders)


def _check(s: Service, p: params.CheckStrategy) -> methods.StrategyChecked:
    given: dict[str, Any] = {}
    if p.path:
        cls = strategy_loader.load_file(Path(p.path))
        name, file = cls.__name__, p.path
    else:
        runner = _runner(s, p.name)
        cls = strategy_loader.load_class(runner.config.class_, s.strategies_dir)
        name, file, given = p.name, cls.__module__, runner.params
    listed = tuple(_parameter(d, given.get(d.name, d.default)) for d in cls.parameters().values())
    return methods.StrategyChecked(name, cls.__name__, file, listed, "valid")


def _parameter(d: Parameter, value: Any) -> methods.ParameterRow:
    low, high = (None if bound is None else f"{bound:g}" for bound in (d.low, d.high))
    return methods.ParameterRow(d.name, d.kind.__name__, str(d.default), str(value), low, high)
