"""Wire text in, checked values out: our own reading of parameters, each refusal in Bybit's codes."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec

from tradectl.matching.records import Refused

CATEGORIES = ("spot", "linear", "inverse", "option")
WEEK_MS = 7 * 86_400_000
DAY_MS = 86_400_000
_AMOUNT = re.compile(r"\d{1,20}(\.\d{1,20})?|\.\d{1,20}", re.ASCII)
_LINK_ID = re.compile(r"[A-Za-z0-9_-]{1,36}", re.ASCII)
_decode = msgspec.json.Decoder().decode


def bad(message: str) -> Refused:
    """A parameter error."""
    return Refused(10001, message)


def parse_query(raw: bytes) -> dict[str, str]:
    """The parameters of a raw query string; the last of a repeated name counts."""
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, max_num_fields=100, errors="strict")
    except ValueError:
        raise bad("params error: malformed query string") from None
    return dict(pairs)


def parse_body(raw: bytes) -> dict[str, Any]:
    """The JSON object of a request body."""
    try:
        value = _decode(raw)
    except (msgspec.DecodeError, RecursionError):
        raise bad("params error: the body is not valid JSON") from None
    if not isinstance(value, dict):
        raise bad("params error: the body is not a JSON object")
    return value


def text(params: Mapping[str, Any], name: str) -> str:
    """A text parameter; absent and null are ``""``. Refuses what is not text."""
    value = params.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise bad(f"params error: {name} must be a string")
    return value


def required(params: Mapping[str, Any], name: str) -> str:
    value = text(params, name)
    if not value:
        raise bad(f"params error: {name} is required")
    return value


def one_of(params: Mapping[str, Any], name: str, allowed: tuple[str, ...], default: str | None = None) -> str:
    """A text parameter out of ``allowed``; without ``default`` it is required."""
    value = text(params, name) if default is not None else required(params, name)
    if not value and default is not None:
        return default
    if value not in allowed:
        raise bad(f"params error: {name} invalid: {value}")
    return value


def category(params: Mapping[str, Any], allowed: tuple[str, ...] = CATEGORIES, default: str | None = None) -> str:
    value = text(params, "category") or (default or "")
    if not value:
        raise bad("params error: category is required")
    if value not in allowed:
        raise bad(f"Illegal category: {value}")
    return value


def flag(params: Mapping[str, Any], name: str) -> bool:
    """A JSON boolean; absent is false."""
    value = params.get(name)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise bad(f"params error: {name} must be a boolean")
    return value


def small_number(params: Mapping[str, Any], name: str, default: int = 0) -> int:
    """A small integer, as JSON number or text: clients send ``positionIdx`` and its like both ways."""
    value = params.get(name)
    if value is None or value == "":
        return default
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,9}", value, re.ASCII):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise bad(f"params error: {name} invalid: {value}")
    return value


def amount(params: Mapping[str, Any], name: str) -> Decimal | None:
    """A non-negative amount written as plain decimal text; absent and ``""`` are ``None``.

    JSON numbers, exponents, signs, NaN and more than 20 digits are refused (10001).
    """
    value = params.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise bad(f"params error: {name} must be a string")
    if not _AMOUNT.fullmatch(value):
        raise bad(f"params error: {name} invalid: {value[:60]}")
    return Decimal(value)


def link_id(params: Mapping[str, Any], name: str = "orderLinkId") -> str:
    """A client's order id: 1 to 36 of ``[A-Za-z0-9_-]``, or ``""``."""
    value = text(params, name)
    if value and not _LINK_ID.fullmatch(value):
        raise bad(f"params error: {name} invalid: 1 to 36 letters, digits, - or _")
    return value


def limit(params: Mapping[str, Any], default: int, maximum: int) -> int:
    value = small_number(params, "limit", default)
    if not 1 <= value <= maximum:
        raise bad(f"params error: limit invalid: {value}, between 1 and {maximum}")
    return value


def cursor(params: Mapping[str, Any]) -> str:
    """The page token, decoded until nothing changes: some clients echo it verbatim, some encode it once more."""
    value = text(params, "cursor")
    while (decoded := unquote(value)) != value:
        value = decoded
    return value


def milliseconds(params: Mapping[str, Any], name: str) -> int | None:
    value = params.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 15:
        return int(value)
    raise bad(f"params error: {name} invalid: {value}")


def window(params: Mapping[str, Any], now_ms: int, default_span: int = WEEK_MS) -> tuple[int, int | None]:
    """The bounds of a history query in milliseconds (bybit-v5 3.2): none is the last ``default_span`` without an end,
    one is that span from it, both may be at most seven days apart (10001)."""
    start, end = milliseconds(params, "startTime"), milliseconds(params, "endTime")
    if start is None and end is None:
        return now_ms - default_span, None
    if start is None:
        return max(0, (end or 0) - default_span), end
    if end is None:
        return start, start + default_span
    if end < start:
        raise bad("params error: endTime is before startTime")
    if end - start > WEEK_MS:
        raise bad("The time range between startTime and endTime cannot exceed 7 days.")
    return start, end
