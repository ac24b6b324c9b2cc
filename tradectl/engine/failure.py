"""How a strategy's callback failed, in words that lead to the line."""

from collections.abc import Callable


def failure_of(callback: Callable[..., None], error: BaseException) -> str:
    """``on_bar: ZeroDivisionError: division by zero (line 20)``: the last line of the strategy's own file."""
    line = _line_in(callback, error)
    return f"{callback.__name__}: {type(error).__name__}: {error}" + (f" (line {line})" if line else "")


def _line_in(callback: Callable[..., None], error: BaseException) -> int:
    """The innermost line of the callback's file in the traceback, 0 where it has none."""
    code = getattr(callback, "__code__", None)
    line, trace = 0, error.__traceback__
    while code is not None and trace is not None:
        if trace.tb_frame.f_code.co_filename == code.co_filename:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
