"""What a trade does to a position that keeps its exact cost.

``cost`` is the signed value paid for ``size``. A trade that only adds moves no cash. One that reduces releases the
same share of the cost as of the size; the realised profit is rounded half-even to the settle coin's eight decimals and
what the rounding left out stays in the cost. A full close has no cost to leave it in and is realised exactly. In all
cases ``cost - realised`` grows by exactly the traded value, so nothing is ever lost. The values of inverse contracts
are amounts of coin with eight decimals and their sign is turned (:meth:`tradectl.matching.grid.Grid.signed_value`); the
rule is the same.
"""

from decimal import Decimal

from msgspec import Struct

from tradectl.model.money import ZERO, to_coin


class Traded(Struct, frozen=True):
    """The outcome: new size and cost, profit before fees, and the size that was closed (unsigned)."""

    size: Decimal
    cost: Decimal
    realised: Decimal
    closed: Decimal


def trade(size: Decimal, cost: Decimal, qty: Decimal, value: Decimal, closing_value: Decimal) -> Traded:
    """Trade signed ``qty`` (not 0) worth signed ``value`` on a position of signed ``size`` and ``cost``.

    ``closing_value`` is the signed value of the part that closes when the trade goes through zero (else unused); the
    rest of ``value`` is the new position's cost.
    """
    if not size or (size > ZERO) is (qty > ZERO):
        return Traded(size + qty, cost + value, ZERO, ZERO)
    if abs(qty) < abs(size):
        realised = to_coin(-value + cost * qty / size)
        return Traded(size + qty, cost + value + realised, realised, abs(qty))
    return Traded(size + qty, value - closing_value, -closing_value - cost, abs(size))
