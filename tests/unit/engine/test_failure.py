"""A strategy's failure names the line of its own file, wherever the error itself was raised."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tradectl.engine.failure import failure_of

SOURCE = """
import math

class Mine:
    def on_bar(self, bar):
        return self.deeper(bar)

    def deeper(self, bar):
        return math.sqrt(float(bar))

    def on_quote(self, quote):
        return 1 / quote
"""


def told(callback: Callable[..., Any], *args: Any) -> str:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever it is, it is told
        callback(*args)
    return failure_of(callback, caught.value)


def test_the_innermost_line_of_the_strategys_file(tmp_path: Path) -> None:
    made: dict[str, Any] = {}
    exec(compile(SOURCE, str(tmp_path / "mine.py"), "exec"), made)
    mine = made["Mine"]()
    assert told(mine.on_quote, 0) == "on_quote: ZeroDivisionError: division by zero (line 12)"
    assert told(mine.on_bar, "nan-") == "on_bar: ValueError: could not convert string to float: 'nan-' (line 9)"
    assert told(mine.on_bar, -1).endswith("(line 9)")


def test_without_a_file_there_is_no_line() -> None:
    assert told(math.sqrt, -1).startswith("sqrt: ValueError: ")
    assert "line" not in told(math.sqrt, -1)
