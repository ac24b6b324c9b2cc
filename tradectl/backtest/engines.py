"""The two engines of a backtest by name, and where a result says which of them it is of."""

from typing import Literal

from tradectl.model.errors import ErrorCode, Problem

#: Which runs a backtest or trial may be: ``auto`` takes arrays where they fit.
Engine = Literal["auto", "events", "arrays"]
EVENTS, ARRAYS = "events", "arrays"
#: Where a result's ``extra`` names the engine, and why a run had to be event-driven.
ENGINE, WHY = "engine", "not over arrays"
#: What arrays refuse and events may still do or judge.
REFUSED = (ErrorCode.NOT_READY, ErrorCode.INVALID_SETTING, ErrorCode.NOT_FOUND)


def reason_of(problem: Problem) -> str:
    """Why arrays refused, without the sentence around it."""
    _, found, rest = problem.message.partition("needs the event-driven engine: ")
    return rest if found else problem.reason or problem.message
