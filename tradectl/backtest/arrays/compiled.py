"""How kernels are compiled: once per machine, without the interpreter's lock, each operation as it is written."""

import os
from collections.abc import Callable
from typing import Any, TypeVar, cast

from tradectl.model.errors import ErrorCode, Problem

_F = TypeVar("_F", bound=Callable[..., Any])

_CACHE = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
# The compiler reads it when it is imported, and so do the processes this one starts.
os.environ.setdefault("NUMBA_CACHE_DIR", os.path.join(_CACHE, "tradectl", "compiled"))
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
