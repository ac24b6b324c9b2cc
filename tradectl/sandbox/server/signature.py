"""Who sent a request: HMAC over the raw bytes and the time rule (bybit-v5 2)."""

import hashlib
import hmac

from tradectl.matching.records import Refused

DEFAULT_RECV_WINDOW = 5000
#: A timestamp may lead the server's clock by less than this many milliseconds, whatever the window.
MAX_LEAD = 1000


def signature(secret: str, text: bytes) -> str:
    """HMAC-SHA256 of ``text``, lower-case hex."""
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def matches(secret: str, text: bytes, given: str) -> bool:
    """Whether ``given`` signs ``text``, compared in constant time."""
    return hmac.compare_digest(signature(secret, text).encode(), given.encode("utf-8", "replace"))


def parse_milliseconds(value: object) -> int | None:
    """Milliseconds written as a JSON number or as decimal text, else ``None``: clients send both (bybit-v5 2.2)."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if value >= 0 else None
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 19:
        return int(value)
    return None


def parse_window(value: object) -> int:
    """A receive window in milliseconds; absent is 5000. Raises ``Refused`` 10001 for what is no positive number."""
    if value is None or value == "":
        return DEFAULT_RECV_WINDOW
    window = parse_milliseconds(value)
    if not window:
        raise Refused(10001, f"params error: recv_window invalid: {value}")
    return window


def check_time(timestamp: int, window: int, now_ms: int) -> None:
    """``now - window <= timestamp < now + 1000`` or ``Refused`` 10002; the upper bound is strict."""
    if now_ms - window <= timestamp < now_ms + MAX_LEAD:
        return
    raise Refused(
        10002,
        "invalid request, please check your server timestamp or recv_window param. "
        f"req_timestamp[{timestamp}],server_timestamp[{now_ms}],recv_window[{window}]",
    )
