"""The user's own functions of a result: loaded from the strategies folder, called, and what they return."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tradectl.backtest.job import BacktestResult
from tradectl.model.errors import ErrorCode, Problem

Own = Callable[[BacktestResult], Any]


def called(own: Own, result: BacktestResult, field: str) -> Any:
    """What the function says of a result. Raises ``Problem`` when it fails."""
    try:
        return own(result)
    except Exception as error:
        rule = f"failed: {type(error).__name__}: {error}"
        raise wrong(field, own.__name__, rule, "correct the function and resume the study") from error


def number_of(value: Any, own: Own, field: str) -> float:
    """What it returned as a number. Raises ``Problem`` when it is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        raise wrong(field, own.__name__, f"returned {value!r}, which is no number", "return a float") from None


def load_function(text: str, folder: Path | None, field: str) -> Own:
    """``module:function`` from a file of ``folder``. Raises ``Problem``."""
    stem, _, name = text.partition(":")
    path = folder / f"{stem}.py" if folder is not None else Path(f"{stem}.py")
    if not path.is_file():
        raise wrong(field, text, f"needs the file {path}, which is not there", "write it, or name a measure")
    space: dict[str, Any] = {"__name__": f"tradectl_user_{stem}", "__file__": str(path)}
    try:
        exec(compile(path.read_bytes(), str(path), "exec"), space)
    except Exception as error:
        raise wrong(field, text, f"cannot be imported: {type(error).__name__}: {error}", f"correct {path}") from error
    found = space.get(name)
    if not callable(found):
        raise wrong(field, text, f"is no function of {path}", f"define {name}(result) there")
    return found  # type: ignore[no-any-return]


def wrong(field: str, text: str, rule: str, remedy: str) -> Problem:
    """A part of the objective or a constraint that cannot be used, and why."""
    return Problem(ErrorCode.INVALID_REQUEST, f"{field} {text} {rule}", field=field, reason=rule, remedy=remedy)
