"""Numbers in a request: a JSON number or a string of one, read from its digits and never through a float."""

import re
from decimal import Decimal

from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.money import plain
from tradectl.rpc.sizes import MAX_FRACTION_DIGITS, MAX_INTEGER_DIGITS

#: ``float`` clients write small numbers as ``1e-05``, so an exponent is read, within what an amount can have.
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?", re.ASCII)


class NumberText(str):
    """A JSON number, kept as its text."""

    __slots__ = ()


def invalid(field: str, value: object, reason: str) -> Problem:
    """An ``INVALID_ORDER`` that quotes the value, cut to a length fit to read."""
    shown = str(value) if isinstance(value, NumberText) else repr(value)
    shown = shown if len(shown) <= 48 else f"{shown[:45]}..."
    return Problem(
        ErrorCode.INVALID_ORDER,
        f"Invalid order parameters: {field} is {shown}",
        field=field,
        reason=reason,
        remedy=f"{reason}.",
    )


def positive_amount(field: str, value: object) -> Decimal:
    """A finite number above zero. Raises ``Problem(INVALID_ORDER)`` naming ``field`` and the rule it breaks."""
    if not isinstance(value, str):
        raise invalid(field, value, "Must be a number")
    if value == "":
        raise invalid(field, value, "Must not be empty")
    if not _NUMBER.fullmatch(value):
        raise invalid(field, value, "Must be a finite decimal number")
    amount = Decimal(value)
    if amount <= 0:
        raise invalid(field, value, "Must be greater than 0")
    digits = amount.as_tuple()
    if abs(amount.adjusted()) > MAX_INTEGER_DIGITS or len(digits.digits) > MAX_INTEGER_DIGITS + MAX_FRACTION_DIGITS:
        raise invalid(field, value, _digits_rule())
    whole, _, fraction = plain(amount).partition(".")
    if len(whole) > MAX_INTEGER_DIGITS or len(fraction) > MAX_FRACTION_DIGITS:
        raise invalid(field, value, _digits_rule())
    return amount


def _digits_rule() -> str:
    return f"Must have at most {MAX_INTEGER_DIGITS} digits before and {MAX_FRACTION_DIGITS} after the point"
