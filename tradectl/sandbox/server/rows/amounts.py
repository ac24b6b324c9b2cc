"""How amounts and times are written in rows: plain decimal text and milliseconds."""

from decimal import Decimal

from tradectl.model.money import plain, to_coin


def or_empty(value: Decimal | None) -> str:
    """Plain text, ``""`` where there is no value."""
    return "" if value is None else plain(value)


def rounded(value: Decimal) -> str:
    """A derived figure (an average, a margin, a USD value), which may not terminate: eight decimals."""
    return plain(to_coin(value))


def ratio(numerator: Decimal, denominator: Decimal) -> str:
    """A quotient at eight decimals, ``"0"`` for nothing over nothing."""
    return rounded(numerator / denominator) if denominator else "0"


def ms(ns: int) -> str:
    """Nanoseconds as a decimal string of milliseconds."""
    return str(ns // 1_000_000)
