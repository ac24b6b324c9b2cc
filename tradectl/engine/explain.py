"""Why an instrument is not traded now, as far as the engine knows: each strategy's state, and the same in words."""

from decimal import Decimal

from msgspec import Struct

from tradectl.engine.bar_series import BarSeries, Phase
from tradectl.engine.decision_notes import DecisionNote
from tradectl.engine.describe import clock
from tradectl.engine.runner import Runner
from tradectl.engine.strategy_host import StrategyHost
from tradectl.engine.world import World
from tradectl.model.commands import Level, Reason, StrategyStatus
from tradectl.model.instruments import InstrumentId
from tradectl.model.money import plain

Inputs = tuple[tuple[str, float], ...]


class SeriesAnswer(Struct, frozen=True):
    """One series: how far its warm-up is, its indicators now, and the bars since ``quiet_since`` without an intent."""

    interval: str
    phase: Phase
    bars: int
    lookback: int
    last_open: int
    close: float
    inputs: Inputs
    quiet_bars: int = 0
    quiet_since: int = 0


class StrategyAnswer(Struct, frozen=True):
    """One strategy and the instrument. ``universes`` are (name, why it is no member, "" when it is one)."""

    name: str
    status: StrategyStatus
    reason: str
    waits_for: str
    veto: str
    position: Decimal
    orders: tuple[str, ...]
    queued: int
    series: tuple[SeriesAnswer, ...]
    universes: tuple[tuple[str, str], ...]
    restrictions: tuple[Reason, ...]
    decisions: tuple[DecisionNote, ...]


class Answer(Struct, frozen=True):
    """All that is known now; ``strategies`` are those that follow the instrument or were given it by a universe."""

    at: int
    seq: int
    instrument: InstrumentId
    known: bool
    state: Level
    restrictions: tuple[Reason, ...]
    strategies: tuple[StrategyAnswer, ...]


def explain(world: World, host: StrategyHost, instrument: InstrumentId) -> Answer:
    """What keeps ``instrument`` from being traded, or that nothing does but a missing signal."""
    w = world
    concerned = [r for r in host.runners.values() if _concerns(r, instrument)]
    return Answer(
        w.now, w.seq, instrument, instrument in w.instruments, w.state.level("", instrument.symbol),
        w.state.active("", instrument.symbol), tuple(_strategy(w, host, r, instrument) for r in concerned),
    )  # fmt: skip


def _concerns(runner: Runner, instrument: InstrumentId) -> bool:
    named = instrument.symbol in [v for v in runner.params.values() if isinstance(v, str)]
    given = any(instrument.symbol in symbols for symbols in runner.given.values())
    follows = bool(runner.universes_named(runner.params))
    return named or given or follows or instrument in runner.symbols()


def _strategy(w: World, host: StrategyHost, r: Runner, instrument: InstrumentId) -> StrategyAnswer:
    orders = [o for o in w.open_orders() if o.strategy == r.name and o.instrument == instrument]
    universes = dict.fromkeys([*r.universes_named(r.params), *r.given])
    restrictions = w.state.active(r.name, instrument.symbol)
    return StrategyAnswer(
        r.name, r.status, r.reason, "" if r.started else host.waits_for(r), host.entry_veto(r.name, instrument),
        w.portfolio.size(r.name, instrument), tuple(f"{o.link_id} {o.status.value}" for o in orders),
        sum(o.status.value == "Queued" for o in orders),
        tuple(_series(r, s) for s in r.series.values() if s.instrument == instrument),
        tuple((name, host.universes.why_out(name, instrument)) for name in universes),
        tuple(x for x in restrictions if x.scope == f"strategy:{r.name}"), host.notes.last(r.name, instrument),
    )  # fmt: skip


def _series(r: Runner, s: BarSeries) -> SeriesAnswer:
    quiet = r.quiet.get((s.instrument, s.interval))
    last_open, close = (s.last.open_time, s.last.close) if s.last is not None else (0, 0.0)
    inputs = tuple((n, v) for n, v in s.inputs() if v == v)
    counted = (quiet.bars, quiet.since) if quiet is not None else (0, 0)
    return SeriesAnswer(s.interval, s.phase, s.count, s.lookback, last_open, close, inputs, *counted)


# --- in words


def sentences(answer: Answer) -> tuple[tuple[str, str], ...]:
    """The answer as (kind, sentence): state, instrument, then each strategy by name."""
    told = [("state", f"trading is {answer.state.value}: {r.text}") for r in answer.restrictions]
    if not answer.known:
        told.append(("symbol", f"{answer.instrument} is not an instrument of this venue"))
    if not answer.strategies:
        told.append(("strategy", f"no strategy follows {answer.instrument}"))
    for s in answer.strategies:
        told += [(s.name, text) for text in _of_strategy(s)]
    return tuple(told)


def _of_strategy(s: StrategyAnswer) -> list[str]:
    told = [_status(s)] if s.status is not StrategyStatus.ACTIVE else []
    told += [f"trading is {r.level.value} for it: {r.text}" for r in s.restrictions]
    told += [f"no member of universe {name}: {why}" for name, why in s.universes if why]
    told += _running(s)
    if s.status in (StrategyStatus.ACTIVE, StrategyStatus.WARMING):
        told += [_quiet(series) for series in s.series]
    if s.decisions:
        told.append(_decided(s.decisions[-1]))
    return told


def _status(s: StrategyAnswer) -> str:
    if s.waits_for:
        return f"waits for the members of universe {s.waits_for}"
    return f"is {s.status.value}" + (f": {s.reason}" if s.reason else "")


def _running(s: StrategyAnswer) -> list[str]:
    told = [f"holds {plain(s.position)} already"] if s.position else []
    if s.orders:
        waiting = f", {s.queued} of them waiting in the queue" if s.queued else ""
        told.append(f"has {len(s.orders)} open orders on it{waiting}")
    return told


def _quiet(s: SeriesAnswer) -> str:
    if s.phase is Phase.WARMING:
        return f"warming up: {s.bars} of {s.lookback + 1} bars of {s.interval}"
    if s.phase is Phase.CATCHING_UP:
        return f"waits for the bars of {s.interval} it missed since {clock(s.last_open)}"
    values = compared(s.inputs) or f"close {s.close:.10g}"
    if not s.quiet_bars:
        return f"no bar of {s.interval} since its last signal; {values}"
    bars = f"{s.quiet_bars} bar{'s' if s.quiet_bars > 1 else ''} of {s.interval}"
    return f"no signal: {bars} since {clock(s.quiet_since)}, {values}"


def compared(inputs: Inputs) -> str:
    """Indicators of one kind against each other, as ``ema(10) 60123.5 below ema(30) 60190.2``; others as they are."""
    told: list[str] = []
    for name, value in inputs:
        shown, kind = f"{name} {value:.10g}", _kind(name)
        if told and _kind(told[-1].rsplit(" ", 1)[0]) == kind:
            before = float(told[-1].rsplit(" ", 1)[1])
            word = "above" if before > value else "below" if before < value else "equal to"
            told[-1] = f"{told[-1]} {word} {shown}"
        else:
            told.append(shown)
    return ", ".join(told)


def _kind(name: str) -> tuple[str, str]:
    """What makes values comparable: ``atr(30)`` and ``atr(30).percent`` are not."""
    head, _, rest = name.partition("(")
    return head, rest.partition(")")[2]


def _decided(d: DecisionNote) -> str:
    what = f"{d.action}{f' {d.side.value.lower()}' if d.side is not None else ''} {plain(d.qty)}"
    verdict = f"refused: {d.refusal}" if d.refusal else "accepted"
    return f"last decision d{d.id} at {clock(d.at)}: {what} ({d.reason}), {verdict}"
