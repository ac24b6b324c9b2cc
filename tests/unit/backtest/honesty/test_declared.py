"""Signals as arrays that look ahead, or say something else than ``on_bar``, are caught; honest ones are not."""

from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from tests.unit.backtest.candles import BTC, history, job, walk
from tradectl.backtest.arrays.bars import Line
from tradectl.backtest.honesty import lookahead
from tradectl.backtest.honesty.declared import declared_honestly
from tradectl.backtest.runner import run_backtest
from tradectl.engine.strategy import Strategy
from tradectl.strategies.ema_cross import EmaCross
from tradectl.strategies.ma_cross import MaCross
from tradectl.strategies.signals import Signals

DATA = {BTC: walk(1500)}


def checked(cls: type[Strategy], **params: Any) -> tuple[list[str], list[str]]:
    """Findings and notes, without the runs over other futures."""
    own = job(DATA, "it", params)
    known = run_backtest(own, history(DATA), {"it": cls})
    return declared_honestly(own, history(DATA), cls, known, (own.since + (own.until - own.since) // 2,))


class Shifted(EmaCross):
    """Acts on the crossing of the bar to come."""

    @staticmethod
    def signals(bars: Any, p: Any) -> Signals:
        said = EmaCross.signals(bars, p)
        return Signals(early(said.long), early(said.leave_long))


class Scaled(EmaCross):
    """Measures prices by the mean of all of them, also those to come."""

    @staticmethod
    def signals(bars: Any, p: Any) -> Signals:
        close = bars.close.values
        return Signals(close > close.mean() * 1.001, close < close.mean() * 0.999)


class Stopped(EmaCross):
    """Knows the low to come."""

    @staticmethod
    def signals(bars: Any, p: Any) -> Signals:
        said = EmaCross.signals(bars, p)
        return replace(said, long_stop=Line(np.append(bars.low.values[1:], np.nan)))


class Otherwise(EmaCross):
    """Its arrays are honest, but speak of another strategy."""

    @staticmethod
    def signals(bars: Any, p: Any) -> Signals:
        fast, slow = bars.ema(p.fast), bars.ema(p.slow + 1)
        return Signals(fast.crossed_above(slow), fast.crossed_below(slow))


class Broken(EmaCross):
    """Needs what is not there."""

    @staticmethod
    def signals(bars: Any, p: Any) -> Signals:
        return Signals(bars.nothing_of_that_name)


def early(marks: Any) -> Any:
    return np.append(marks[1:], False)


@pytest.mark.parametrize("cls", [Shifted, Scaled, Stopped])
def test_arrays_that_look_ahead_are_caught(cls: type[Strategy]) -> None:
    findings, _ = checked(cls, fast=5, slow=20)
    assert "look ahead" in findings[0]


def test_a_rare_signal_shifted_by_one_bar_is_caught_by_the_whole_check_too() -> None:
    params = {"fast": 30, "slow": 150}
    found = lookahead(job(DATA, "it", params), history(DATA), {"it": Shifted})
    assert 1 <= found.decisions < 30
    assert not found.ok
    assert any("look ahead" in it for it in found.findings)


def test_arrays_that_say_something_else_than_on_bar_are_caught() -> None:
    findings, _ = checked(Otherwise, fast=5, slow=20)
    assert len(findings) == 1
    assert "by its arrays than by on_bar" in findings[0]


@pytest.mark.parametrize(
    ("cls", "params"),
    [
        (EmaCross, {"fast": 5, "slow": 20}),
        (MaCross, {"fast": 5, "slow": 20, "short": True, "interval": "1m"}),
    ],
)
def test_honest_arrays_pass(cls: type[Strategy], params: dict[str, Any]) -> None:
    assert checked(cls, **params)[0] == []


def test_what_cannot_be_looked_at_is_noted() -> None:
    findings, notes = checked(Broken, fast=5, slow=20)
    assert findings == []
    assert len(notes) == 2
    assert all("nothing_of_that_name" in it for it in notes)
    findings, notes = checked(Stopped, fast=5, slow=20)
    assert len(findings) == 1
    assert [("compared with on_bar" in it, "stops trade inside bars" in it) for it in notes] == [(True, True)]
