"""Exact amounts: the one way text becomes a Decimal, and the one way a Decimal is rounded.

Every entry point (process, thread) calls :func:`use_exact_context` first, so that no result depends on the
thread it was computed in.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal, InvalidOperation, setcontext
from fractions import Fraction
from functools import lru_cache

ZERO = Decimal(0)
#: Bybit books settle coins with eight decimals (bybit-v5, transaction log).
COIN_STEP = Decimal("0.00000001")

#: 50 digits hold every product of two wire amounts (at most 20 digits each) without rounding.
EXACT = Context(prec=50, rounding=ROUND_HALF_EVEN)
_quantize = EXACT.quantize  # naming the rounding in each call takes longer than rounding


def use_exact_context() -> None:
    """Set the thread's Decimal context to :data:`EXACT`; call at each process and thread entry."""
    setcontext(EXACT.copy())


def parse_amount(text: str | None) -> Decimal | None:
    """Turn wire text into a finite Decimal, or ``None`` where the venue says "no value" (``""`` or null).

    Raises ``ValueError`` naming the text when it is not a finite number: ``NaN`` and ``Infinity`` are refused.
    """
    if text is None or text == "":
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a number") from None
    if not value.is_finite():
        raise ValueError(f"{text!r} is not a finite number")
    return value


def amount_or_zero(text: str | None) -> Decimal:
    """:func:`parse_amount` with an absent value read as zero; same errors."""
    value = parse_amount(text)
    return ZERO if value is None else value


def floor_to(value: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of ``step`` (> 0) that is not above ``value``."""
    return (value / step).to_integral_value(ROUND_FLOOR) * step


def ceil_to(value: Decimal, step: Decimal) -> Decimal:
    """The smallest multiple of ``step`` (> 0) that is not below ``value``."""
    return (value / step).to_integral_value(ROUND_CEILING) * step


def is_multiple(value: Decimal, step: Decimal) -> bool:
    """Whether ``value`` is an exact multiple of ``step`` (> 0), however large it is."""
    try:
        return value % step == 0
    except InvalidOperation:  # the quotient has more digits than the context
        return Fraction(value) % Fraction(step) == 0


def to_coin(value: Decimal) -> Decimal:
    """``value`` rounded half-even to the settle coin's eight decimals."""
    return _quantize(value, COIN_STEP)


def exact(value: float) -> Decimal:
    """The Decimal a venue's text had before it became this float: the shortest text that round-trips."""
    return _exact(value) if value else Decimal(repr(value))


@lru_cache(maxsize=1024, typed=True)
def _exact(value: float) -> Decimal:
    """The same few prices are asked for again and again; zeros, equal with either sign, must not share an entry."""
    return Decimal(repr(value))


def middle(bid: float, ask: float) -> Decimal:
    """The middle of the market, exactly."""
    return exact(bid) if bid == ask else (exact(bid) + exact(ask)) / 2


def plain(value: Decimal) -> str:
    """Plain decimal text, without exponent and without trailing zeros: ``Decimal('1E+1')`` is ``'10'``."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text
