"""A request for an algorithm becomes one, or is refused with field, value and rule."""

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct

from tradectl.engine.execution_algorithms.algorithm import Algorithm, wrong
from tradectl.engine.execution_algorithms.kinds import KINDS
from tradectl.engine.execution_algorithms.state import Run, Value
from tradectl.engine.parameters import coerced, declared, validated
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.instruments import Instrument, InstrumentId
from tradectl.model.money import is_multiple, plain
from tradectl.model.orders import Side


class Wanted(Struct, frozen=True):
    """What somebody asked for, with the instrument looked up. ``parameters`` may be text."""

    kind: str
    strategy: str
    info: Instrument
    side: Side
    qty: Decimal
    parameters: dict[str, Value]
    reason: str
    price: Decimal | None
    who: str = ""


def started(wanted: Wanted, id_: int, now: int) -> Run:
    """The new algorithm. Raises ``Problem`` (INVALID_ORDER)."""
    algorithm = judged(wanted)
    parameters = {name: getattr(algorithm, name) for name in _names(wanted.kind)}
    reason = wanted.reason or f"{wanted.kind} by {wanted.who or wanted.strategy}"
    return Run(
        id_, wanted.kind, wanted.strategy, wanted.info.id, wanted.side, wanted.qty, parameters, reason, now, wanted.who
    )


def judged(wanted: Wanted) -> Algorithm:
    """The algorithm with its parameters, all checked. Raises ``Problem`` (INVALID_ORDER)."""
    if wanted.kind not in KINDS:
        raise Problem(
            ErrorCode.INVALID_ORDER, f"algorithm is {wanted.kind!r}, not one of {', '.join(KINDS)}", field="algorithm",
            reason="unknown algorithm", remedy=f"use one of {', '.join(KINDS)}",
        )  # fmt: skip
    _check_size(wanted)
    algorithm = made(wanted.kind, wanted.parameters)
    algorithm.check(wanted)
    return algorithm


def made(kind: str, parameters: Mapping[str, Value]) -> Algorithm:
    """An algorithm of a known kind. Raises ``Problem`` for a parameter out of its bounds."""
    cls = KINDS[kind]
    try:
        return cls(validated(cls, coerced(cls, dict(parameters), kind), kind))
    except Problem as problem:
        raise wrong(kind, problem.field.rpartition(".")[2], problem.reason, problem.remedy) from None


def _check_size(wanted: Wanted) -> None:
    qty, info = wanted.qty, wanted.info
    if not qty.is_finite() or qty <= 0:
        raise _size(f"quantity {qty} must be greater than 0", "give a positive quantity")
    if not is_multiple(qty, info.lot_size):
        raise _size(f"quantity {plain(qty)} is not a multiple of the lot {plain(info.lot_size)}", "round it down")
    if qty < info.min_qty:
        raise _size(f"quantity {plain(qty)} is below the minimum {plain(info.min_qty)}", "ask for more")


def _size(rule: str, remedy: str) -> Problem:
    return Problem(ErrorCode.INVALID_ORDER, f"{rule}; {remedy}", field="qty", reason=rule, remedy=remedy)


def _names(kind: str) -> list[str]:
    return list(declared(KINDS[kind]))


def unknown(instrument: InstrumentId) -> Problem:
    """The refusal of an instrument the venue does not have."""
    rule = f"{instrument} is not an instrument of this venue"
    return Problem(ErrorCode.UNKNOWN_SYMBOL, rule, field="symbol", reason=rule, remedy="tradectl instruments list")
