"""How kernels are compiled: once per machine, without the interpreter's lock, each operation as it is written."""

import os
from collections.abc import Callable
from typing import Any, TypeVar, cast

from tradectl.backtest.arrays.ready import FOLDER, use
from tradectl.model.errors import ErrorCode, Problem

_F = TypeVar("_F", bound=Callable[..., Any])

# The compiler reads it when it is imported, and so do the processes this one starts.
os.environ.setdefault(FOLDER, str(use()))
try:
    import numba
except ImportError as error:  # pragma: no cover - the extra is there where this is tested
    raise Problem(
        ErrorCode.NOT_READY, "runs over arrays need numba, which is not installed",
        remedy="pip install 'tradectl[research]'",
    ) from error  # fmt: skip


def kernel(function: _F) -> _F:
    """``function`` compiled when first called, or loaded from what an earlier process compiled.

    No fast mathematics: sums are not reordered and products not fused, so that results equal the interpreter's.
    """
    return cast(_F, numba.njit(cache=True, nogil=True, fastmath=False, error_model="numpy")(function))


def part(function: _F) -> _F:
    """``function`` as a piece of kernels: it is compiled into each that calls it, so that the call costs nothing.

    It should be given numbers and records rather than arrays, whose owners are counted at every call.
    """
    return cast(_F, numba.njit(nogil=True, fastmath=False, error_model="numpy", forceinline=True)(function))
