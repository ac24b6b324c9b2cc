"""The progress line: drawn over itself for a person, silent for everybody else."""

import io
import sys

import pytest

from tradectl.cli.draw.progress import Meter, clock
from tradectl.cli.screen import Screen
from tradectl.cli.words import split


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def meter(
    monkeypatch: pytest.MonkeyPatch, *words: str, terminal: bool = True
) -> tuple[Meter, io.StringIO, list[float]]:
    stream = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    time = [100.0]
    return Meter(Screen(split([*words, "data"])[0]), lambda: time[0]), stream, time


def test_the_time_left_follows_from_the_time_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    made, _, _ = meter(monkeypatch)
    assert made.line(0.25, "candles", 60.0) == "######..................  25% candles, 03:00 left"
    assert made.line(0.0, "candles", 60.0) == "........................   0% candles"
    assert made.line(1.5, "done", 9.0).startswith("#" * 24 + " 100% done, 00:00 left")


def test_it_draws_over_itself_and_not_too_often(monkeypatch: pytest.MonkeyPatch) -> None:
    made, stream, time = meter(monkeypatch)
    made.show(0.1, "early")
    assert stream.getvalue() == ""
    time[0] += 1
    made.show(0.5, "a long text")
    made.show(0.6, "too soon")
    time[0] += 1
    made.show(0.7, "short")
    made.close()
    lines = stream.getvalue().split("\r")
    assert ["too soon" in line for line in lines] == [False] * len(lines)
    assert len(lines[2]) == len(lines[1])  # what stood there is wiped
    assert stream.getvalue().endswith("\r")


@pytest.mark.parametrize(("words", "terminal"), [(("--quiet",), True), ((), False)])
def test_nobody_sees_it_without_a_terminal_or_with_quiet(
    monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], terminal: bool
) -> None:
    made, stream, time = meter(monkeypatch, *words, terminal=terminal)
    time[0] += 5
    made.show(1.0, "all")
    made.say("rows")
    made.close()
    assert stream.getvalue() == ""


def test_hours_are_written_when_there_are_some() -> None:
    assert [clock(it) for it in (-1, 5.4, 61, 3723)] == ["00:00", "00:05", "01:01", "1:02:03"]
