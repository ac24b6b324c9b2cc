"""Where the lines of an axis stand and what is written at them. Times in seconds UTC."""

import math
from datetime import UTC, datetime

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_STEPS = (_MINUTE, 5 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE, _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR, _DAY, 2 * _DAY,
          7 * _DAY, 14 * _DAY)  # fmt: skip
_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120)
NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def nice_step(span: float, count: int) -> float:
    """1, 2, 2.5 or 5 times a power of ten, so that at most about ``count`` steps fit into ``span``."""
    if not span > 0 or not math.isfinite(span):
        return 1.0
    rough = span / count
    power = 10.0 ** math.floor(math.log10(rough))
    return next((unit * power for unit in (1.0, 2.0, 2.5, 5.0) if unit * power >= rough * 0.999), 10.0 * power)


def value_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round values from ``low`` to ``high``."""
    step = nice_step(high - low, count)
    first = math.ceil(low / step - 1e-9)
    return [round(n * step, 12) for n in range(first, math.floor(high / step + 1e-9) + 1)]


def time_ticks(low: int, high: int, count: int = 9) -> list[tuple[int, str]]:
    """Round UTC times with their labels: hours, days or months, whatever fits."""
    span = max(high - low, 1)
    step = next((it for it in _STEPS if span / it <= count), 0)
    if step:
        first = -(-low // step) * step
        return [(at, _label(at, step)) for at in range(first, high + 1, step)]
    months = next((it for it in _MONTHS if span / (it * 30.44 * _DAY) <= count), _MONTHS[-1])
    return _months(low, high, months)


def _label(at: int, step: int) -> str:
    moment = datetime.fromtimestamp(at, UTC)
    if step < _DAY and at % _DAY:
        return moment.strftime("%H:%M")
    return f"{moment.day} {NAMES[moment.month - 1]}"


def _months(low: int, high: int, step: int) -> list[tuple[int, str]]:
    begin = datetime.fromtimestamp(low, UTC)
    number = begin.year * 12 + begin.month - 1
    number = -(-number // step) * step
    found: list[tuple[int, str]] = []
    while True:
        at = int(datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC).timestamp())
        if at > high:
            return found
        if at >= low:
            year = f" {number // 12}" if not found or number % 12 < step else ""
            found.append((at, NAMES[number % 12] + year))
        number += step
