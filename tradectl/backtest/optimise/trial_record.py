"""A finished trial as the result tells it, and its long parts packed as text for the study's storage."""

import base64
import zlib
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from tradectl.backtest.optimise.search_space import Params


class TrialRecord(msgspec.Struct, frozen=True, kw_only=True):
    """``number`` counts from 0 to trials - 1. ``state``: complete, pruned, or stopped (the strategy failed, ``why``).

    ``values`` are the objective's, empty when pruned, ``None`` where it has none; ``returns`` the daily ones over the
    whole span. ``same_as``: an earlier trial had these very parameters (-1: none). ``engine``: ``arrays``, or
    ``events`` and why. ``ratio`` is a pruned trial's Sharpe ratio per day, as far as it was run.
    """

    number: int
    params: Params
    state: str
    values: tuple[float | None, ...] = ()
    feasible: bool = True
    violations: tuple[float, ...] = ()
    measures: dict[str, float | None] = {}
    returns: tuple[float, ...] = ()
    seconds: float = 0.0
    worker: str = ""
    same_as: int = -1
    why: str = ""
    engine: str = ""
    ratio: float | None = None


def packed(returns: Sequence[float]) -> str:
    """Floats as text, to the last bit."""
    return base64.b85encode(zlib.compress(np.asarray(returns, dtype="<f8").tobytes())).decode()


def unpacked(text: str) -> tuple[float, ...]:
    """What :func:`packed` packed."""
    values: list[float] = np.frombuffer(zlib.decompress(base64.b85decode(text)), dtype="<f8").tolist()
    return tuple(values)


def key(params: Params) -> bytes:
    """The same for the same parameters, in whatever order."""
    ordered: Any = sorted(params.items())
    return msgspec.json.encode(ordered)
