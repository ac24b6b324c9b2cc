"""A strategy instance written down and brought back: ``on_start`` makes its series anew, then their values return."""

from typing import Any

from msgspec import Struct, field

from tradectl.engine.bar_series import SeriesState
from tradectl.engine.quiet import Quiet
from tradectl.engine.runner import Runner, SeriesKey, Value
from tradectl.engine.strategy_state import attributes, decode
from tradectl.model.commands import StrategyStatus
from tradectl.model.errors import Problem


class RunnerState(Struct):
    """One instance. ``keys`` name the ``series``; ``configured`` is what the settings said of what a person changed."""

    status: StrategyStatus
    reason: str
    started: bool
    fingerprint: str
    series: list[SeriesState] = field(default_factory=list)
    attributes: dict[str, Any] = field(default_factory=dict)
    keys: list[SeriesKey] = field(default_factory=list)
    changes: dict[str, Value] = field(default_factory=dict)
    configured: dict[str, Value] = field(default_factory=dict)
    enabled: bool = True
    given: dict[str, list[str]] = field(default_factory=dict)
    quiet: list[Quiet] = field(default_factory=list)
    minute: int = 0
    asked: int = 0


def kept_attributes(runner: Runner) -> dict[str, Any]:
    """The strategy's own attributes written down. Raises ``Problem`` when one cannot be."""
    return attributes(runner.strategy, runner.params, runner.strategy._framework)


def state_of(runner: Runner) -> RunnerState:
    """Everything :func:`restore` needs. Raises ``Problem`` when an attribute cannot be kept."""
    settings = runner.config.params
    state = RunnerState(runner.status, runner.reason, runner.started, runner.fingerprint)
    state.changes, state.enabled = dict(runner.changes), runner.config.enabled
    state.configured = {name: settings[name] for name in runner.changes if name in settings}
    if not runner.started or runner.status is StrategyStatus.STOPPED:
        return state
    state.series = [s.state() for s in runner.series.values()]
    state.keys = list(runner.series)
    state.attributes = kept_attributes(runner)
    state.given = {name: list(symbols) for name, symbols in runner.given.items()}
    state.quiet = list(runner.quiet.values())
    state.minute, state.asked = runner.minute, runner.asked
    return state


def restore(runner: Runner, state: RunnerState) -> None:
    """Continue where :func:`state_of` was called; changed code or parameters start from warm-up."""
    _take_changes(runner, state)
    if runner.status is StrategyStatus.STOPPED:
        return  # its code is gone, or does not take the parameters a person set
    if state.fingerprint != runner.fingerprint:
        if state.status is StrategyStatus.DISABLED and state.enabled == runner.config.enabled:
            runner.status = StrategyStatus.DISABLED  # a person's word outlives a change of code
        return
    runner.status, runner.reason, runner.started = state.status, state.reason, state.started
    if not runner.started or runner.status is StrategyStatus.STOPPED:
        return
    runner.given = {name: list(symbols) for name, symbols in state.given.items()}
    runner.on_start()
    runner.intents.clear()
    runner.minute, runner.asked = state.minute, state.asked
    runner.quiet = {(q.instrument, q.interval): q for q in state.quiet}
    for key, saved in zip(state.keys or list(runner.series), state.series, strict=True):
        if key in runner.series:
            runner.series[key].restore(saved)
    for name, value in state.attributes.items():
        setattr(runner.strategy, name, decode(value))


def _take_changes(runner: Runner, state: RunnerState) -> None:
    """A person's parameters stay, but for those the settings changed since."""
    settings = runner.config.params
    kept = {n: v for n, v in state.changes.items() if settings.get(n) == state.configured.get(n)}
    if not kept:
        return
    if runner.cls.absent:
        runner.changes = kept
        return
    try:
        runner.change(kept)
        runner.renew()
    except Problem as problem:
        runner.changes = kept
        runner.give_up(f"a parameter set before does not suit the changed code: {problem.message}")
