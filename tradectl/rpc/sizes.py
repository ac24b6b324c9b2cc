"""The size of an order as people write it: ``0.1`` (base coin), ``500USDT`` (quote coin) or ``5%`` (of equity).

The CLI refuses a bad size before it asks, the daemon refuses it again: both read it here.
"""

from decimal import Decimal
from enum import Enum

from msgspec import Struct

from tradectl.model.errors import ErrorCode, Problem

#: No venue amount has more; what is longer is a slip of the keyboard.
MAX_INTEGER_DIGITS, MAX_FRACTION_DIGITS = 18, 18


class SizeUnit(str, Enum):
    BASE = "base"
    QUOTE = "quote"
    PERCENT = "percent"


class Size(Struct, frozen=True):
    """``amount`` > 0 of ``unit``; ``coin`` names the quote coin of ``500USDT``."""

    amount: Decimal
    unit: SizeUnit
    coin: str = ""


def _refuse(field: str, text: str, reason: str) -> Problem:
    return Problem(
        ErrorCode.INVALID_ORDER,
        f"{field} {text!r} {reason}",
        field=field,
        reason=reason,
        remedy="Write a positive decimal number such as 0.1 or 50000."
        + (" A size may also be 500USDT or 5%." if field == "size" else ""),
    )


def parse_positive(text: str, field: str) -> Decimal:
    """A positive plain decimal number. Raises ``Problem(INVALID_ORDER)`` naming ``field`` and the broken rule."""
    text = text.strip()
    if not text:
        raise _refuse(field, text, "is empty")
    if text.lower().lstrip("+-") in ("nan", "snan", "inf", "infinity"):
        raise _refuse(field, text, "is not a finite number")
    digits = text.removeprefix("-")
    whole, _, fraction = digits.partition(".")
    if not (whole + fraction).isascii() or not (whole + fraction).isdigit() or digits.count(".") > 1:
        exponent = "e" in digits.lower() and digits.lower().replace("e", "", 1).replace(".", "").strip("+-").isalnum()
        raise _refuse(field, text, "uses an exponent or letters" if exponent else "is not a plain decimal number")
    if text.startswith("-"):
        raise _refuse(field, text, "is negative")
    if len(whole.lstrip("0")) > MAX_INTEGER_DIGITS or len(fraction) > MAX_FRACTION_DIGITS:
        raise _refuse(field, text, f"has more than {MAX_INTEGER_DIGITS} digits before or after the point")
    value = Decimal(digits)
    if not value:
        raise _refuse(field, text, "is zero")
    return value


def parse_size(text: str) -> Size:
    """Read a size. Raises ``Problem(INVALID_ORDER)`` with field ``size``: empty, NaN, zero, negative, exponent, huge,
    more than 100 %."""
    text = text.strip()
    if text.endswith("%"):
        amount = parse_positive(text[:-1], "size")
        if amount > 100:
            raise _refuse("size", text, "is more than 100 % of equity")
        return Size(amount, SizeUnit.PERCENT)
    number = text.rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
    coin = text[len(number) :]
    if coin and number and number[-1].isdigit() and len(coin) >= 2:
        return Size(parse_positive(number, "size"), SizeUnit.QUOTE, coin.upper())
    return Size(parse_positive(text, "size"), SizeUnit.BASE)
