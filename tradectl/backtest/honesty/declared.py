"""Signals declared as arrays: do they see the future, and do they say what ``on_bar`` says?

Arrays are made of all candles at once, so nothing but this keeps them from looking ahead. On candles that end earlier
they must say the same about each bar that is there; the ends looked at are right behind bars where something is
signalled, because a shift by one place shows at the last bar alone.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from tradectl.backtest.engines import reason_of
from tradectl.backtest.job import BacktestJob, BacktestResult
from tradectl.backtest.optimise.two_speeds import ByArrays
from tradectl.engine.config import StrategyConfig
from tradectl.engine.parameters import validated
from tradectl.engine.strategy import Strategy
from tradectl.history.columns import joined
from tradectl.history.reading import History
from tradectl.history.series import Candles, Kind, SeriesId
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.instruments import Category, InstrumentId
from tradectl.performance.fills import Fill

MARKS = ("long", "leave_long", "short", "leave_short")
STOPS = ("long_stop", "short_stop")
#: Ends looked at behind signals of each kind.
ENDS = 8
Arrays = dict[str, NDArray[Any]]


def declared_honestly(
    job: BacktestJob, history: History, cls: type[Strategy], known: BacktestResult, cuts: tuple[int, ...]
) -> tuple[list[str], list[str]]:
    """Findings and notes about the signals of the job's one strategy, ``known`` being its event-driven run.

    ``cuts`` are moments at which candles are to end, beside those behind signals.
    """
    own, findings, notes = job.strategies[0], list[str](), list[str]()
    checks: tuple[tuple[str, Callable[[], list[str]]], ...] = (
        ("looked at", lambda: looking_ahead(own, _candles(job, history, own), cls, cuts)),
        ("compared with on_bar", lambda: otherwise(job, history, cls, known)),
    )
    for what, check in checks:
        try:
            findings += check()
        except Problem as problem:
            notes.append(f"the signals {own.name} declares as arrays were not {what}: {reason_of(problem)}")
    return findings, notes


def looking_ahead(own: StrategyConfig, candles: Candles, cls: type[Strategy], cuts: tuple[int, ...]) -> list[str]:
    """The first bar about which its arrays change their mind once later candles are there, as a sentence."""
    whole = _arrays(own, candles, cls)
    for end in sorted({*_ends(whole), *np.searchsorted(candles.open_time, cuts).tolist()} - {0, len(candles)}):
        part = _arrays(own, cast(Candles, candles.rows(0, end)), cls)
        for name in {**whole, **part}:
            place = _first_change(whole.get(name), part.get(name), end)
            if place is not None:
                return [_sentence(own, name, int(candles.open_time[place]), int(candles.open_time[end - 1]))]
    return []


def otherwise(job: BacktestJob, history: History, cls: type[Strategy], known: BacktestResult) -> list[str]:
    """The first trade that ``signals`` and ``on_bar`` do not both make. Raises ``Problem`` when arrays do not fit."""
    plain = replace(job, keep_decisions=False)
    fast = ByArrays(plain, history, cls)(plain.strategies[0].params, job.since, job.until)
    one, other = _sums(fast.fills), _sums(known.fills)
    at = next((it for it in sorted({**one, **other}) if one.get(it) != other.get(it)), None)
    if at is None:
        return []
    told = f"{_traded(one.get(at))} by signals, {_traded(other.get(at))} by on_bar"
    return [f"{job.strategies[0].name} trades otherwise by its arrays than by on_bar, first at {_when(at[0])}: {told}"]


def _candles(job: BacktestJob, history: History, own: StrategyConfig) -> Candles:
    instrument = job.instruments[0]
    symbol = InstrumentId(Category(own.category), str(own.params.get("symbol", instrument.symbol)))
    series = SeriesId(symbol, Kind.CANDLES, job.interval)
    return cast(Candles, joined(Kind.CANDLES, list(history.read(series, job.since, job.until))))


def _arrays(own: StrategyConfig, candles: Candles, cls: type[Strategy]) -> Arrays:
    from tradectl.backtest.arrays.bars import Bars

    p = SimpleNamespace(**validated(cls, {"category": own.category, **own.params}, own.name))
    try:
        said = cast(Any, cls).signals(Bars(candles), p)
    except Exception as error:
        rule = f"{type(error).__name__}: {error}"
        raise Problem(ErrorCode.INVALID_SETTING, f"signals failed: {rule}", reason=rule) from error
    marks = {name: np.asarray(getattr(said, name), bool) for name in MARKS if getattr(said, name) is not None}
    stops = {name: np.asarray(getattr(said, name).values) for name in STOPS if getattr(said, name) is not None}
    return {**marks, **stops, "patience": np.array([said.patience]), "weight": np.array([said.weight])}


def _ends(whole: Arrays) -> set[int]:
    """Right behind some of the bars where something is signalled, spread over all."""
    found: set[int] = set()
    for name in MARKS:
        bars = np.flatnonzero(whole.get(name, np.zeros(0)))
        found |= {int(it) + 1 for it in bars[np.linspace(0, len(bars) - 1, min(ENDS, len(bars))).astype(int)]}
    return found


def _first_change(whole: NDArray[Any] | None, part: NDArray[Any] | None, end: int) -> int | None:
    if whole is None or part is None:
        return end - 1
    count = min(end, len(whole))
    same = np.array_equal(whole[:count], part[:count], equal_nan=whole.dtype.kind == "f")
    if same and len(part) >= count:
        return None
    here = part[: min(count, len(part))]
    there = whole[: len(here)]
    unlike = (here != there) & ~((here != here) & (there != there))  # NaN is not itself
    return int(np.argmax(unlike)) if unlike.any() else len(here) - 1


def _sentence(own: StrategyConfig, name: str, bar: int, end: int) -> str:
    return (
        f"the signals of {own.name} look ahead: {name} says something else about the candle of {_when(bar)} when the "
        f"candles end at {_when(end)} than when there are more"
    )


def _sums(fills: Sequence[Fill]) -> dict[tuple[int, int], Decimal]:
    """What was traded at each moment in each direction: slices of one decision count together."""
    found: dict[tuple[int, int], Decimal] = {}
    for it in fills:
        if it.qty:
            key = it.at, 1 if it.qty > 0 else -1
            found[key] = found.get(key, Decimal(0)) + it.qty
    return found


def _traded(qty: Decimal | None) -> str:
    return "nothing" if qty is None else f"{'buys' if qty > 0 else 'sells'} {abs(qty):f}"


def _when(ns: int) -> str:
    return str(np.datetime64(ns, "ns").astype("datetime64[s]")).replace("T", " ")
