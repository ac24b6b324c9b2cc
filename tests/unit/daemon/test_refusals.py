"""Which field a refusal names, and which code it carries."""

import pytest

from tradectl.daemon.handlers.orders import refusal, venue_field
from tradectl.model.commands import Check
from tradectl.model.errors import ErrorCode


@pytest.mark.parametrize(
    ("reason", "field"),
    [
        ("110007 ab not enough for new order", "quantity"),
        ("170134 order price has too many decimals", "price"),
        ("110074 contract is not live", "symbol"),
        ("10001 parameter error", "order"),
        ("", "order"),
    ],
)
def test_a_venues_refusal_names_the_field_it_is_about(reason: str, field: str) -> None:
    assert venue_field(reason) == field


@pytest.mark.parametrize(
    ("check", "code", "field"),
    [
        (Check("quantity", False, "1", "0", "r"), ErrorCode.INVALID_ORDER, "quantity"),
        (Check("price", False, "1", "0", "r"), ErrorCode.INVALID_ORDER, "price"),
        (Check("price_band", False, "1", "0", "r"), ErrorCode.RISK_REFUSED, "price"),
        (Check("order_size", False, "1", "0", "r"), ErrorCode.RISK_REFUSED, "quantity"),
        (Check("instrument", False, "", "x", "r"), ErrorCode.UNKNOWN_SYMBOL, "symbol"),
        (Check("trading_state", False, "RUNNING", "HALTED", "r"), ErrorCode.HALTED, "trading_state"),
        (Check("trading_state", False, "RUNNING", "REDUCING", "r"), ErrorCode.RISK_REFUSED, "trading_state"),
    ],
)
def test_a_failed_check_becomes_the_right_error(check: Check, code: ErrorCode, field: str) -> None:
    problem = refusal(check)
    assert (problem.code, problem.field, problem.reason) == (code, field, "r")
