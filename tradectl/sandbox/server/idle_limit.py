"""``max_active_time`` of private and trade sockets: a shorter idle limit (bybit-v5 8.1, 12 39)."""

import re
from collections.abc import Mapping

from tradectl.sandbox.server.params import bad

_TEXT = re.compile(r"(\d{1,4})(s|m)", re.ASCII)


def idle_limit(options: Mapping[str, str], default: float) -> float:
    """Seconds without any frame before the socket is closed: 30s..600s or 1m..10m, else ``default``.

    Raises ``Refused`` 10001 for anything else.
    """
    text = options.get("max_active_time", "")
    if not text:
        return default
    match = _TEXT.fullmatch(text)
    seconds = int(match[1]) * (60 if match[2] == "m" else 1) if match else 0
    if not 30 <= seconds <= 600:
        raise bad(f"params error: max_active_time invalid: {text[:20]}, 30s to 600s or 1m to 10m")
    return float(seconds)
