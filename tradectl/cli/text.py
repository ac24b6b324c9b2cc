"""Values as a person reads them: numbers from their digits, times, sizes, tables. No float, no heavy import."""

from __future__ import annotations

import os
import time

from tradectl.rpc.client import Number

TYPE_CHECKING = False  # importing typing would cost a tenth of the quick path
if TYPE_CHECKING:
    from typing import Any, TextIO

NANOSECOND = 1_000_000_000
PLACES = 8
_STYLES = {"red": "31", "green": "32", "yellow": "33", "bold": "1", "dim": "2", "alarm": "1;97;41"}


def plain(value: Any) -> str:
    """A number from the wire in plain digits: no exponent, no trailing zeros, ``-`` for a value nobody stated."""
    if value is None:
        return "-"
    text = str(value)
    if "e" in text or "E" in text:
        from decimal import Decimal

        text = format(Decimal(text), "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text


def rounded(value: Any, places: int = PLACES) -> str:
    """:func:`plain` with at most ``places`` decimals, rounded half to even on the digits themselves."""
    text = plain(value)
    whole, _, fraction = text.partition(".")
    if len(fraction) <= places:
        return text
    negative = whole.startswith("-")
    number = int(whole.lstrip("-") + fraction[:places])
    tail = fraction[places:].rstrip("0")
    if tail > "5" or (tail == "5" and number % 2):
        number += 1
    digits = str(number).rjust(places + 1, "0")
    text = f"{digits[:-places]}.{digits[-places:]}" if places else digits
    text = text.rstrip("0").rstrip(".") if places else text
    return f"-{text}" if negative and text != "0" else text


def price(value: Any) -> str:
    """:func:`rounded` to four decimals, or to six digits where the price is small: ``0.131273`` of a small coin."""
    text = plain(value)
    whole, _, fraction = text.lstrip("-").partition(".")
    if whole not in ("", "0"):
        return rounded(value, 4)
    return rounded(value, len(fraction) - len(fraction.lstrip("0")) + 6)


def signed(value: Any, places: int = PLACES) -> str:
    """:func:`rounded` with a sign on both sides of zero."""
    text = rounded(value, places)
    return text if text in ("-", "0") or text.startswith("-") else f"+{text}"


class Clock:
    """Times in the zone of ``--tz``: UTC by default, ``local``, or a name such as ``Europe/Warsaw``."""

    def __init__(self, zone: str = "") -> None:
        self.zone = zone or "UTC"
        self._info: Any = None
        if self.zone.upper() == "UTC":
            self.zone = "UTC"
        elif self.zone != "local":
            from zoneinfo import ZoneInfo

            self._info = ZoneInfo(self.zone)  # raises for an unknown name: the caller turns that into a usage error

    def moment(self, nanoseconds: Any, seconds: bool = True) -> str:
        """``2026-11-22 13:12:55``; ``-`` for none."""
        if not nanoseconds:
            return "-"
        whole = int(nanoseconds) // NANOSECOND
        layout = "%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M"
        if self._info is not None:
            from datetime import datetime

            return datetime.fromtimestamp(whole, self._info).strftime(layout)
        return time.strftime(layout, time.localtime(whole) if self.zone == "local" else time.gmtime(whole))


def iso(nanoseconds: int) -> str:
    """ISO 8601 in UTC with as many decimals as the time has (none, 3, 6 or 9)."""
    whole, part = divmod(nanoseconds, NANOSECOND)
    fraction = f"{part:09d}"
    while fraction.endswith("000"):
        fraction = fraction[:-3]
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + (f".{fraction}" if fraction else "") + "Z"


def duration(nanoseconds: int) -> str:
    """``3 d 4 h``, ``5 min 2 s``, ``40 s``: the two largest parts."""
    seconds = max(0, nanoseconds // NANOSECOND)
    parts: list[str] = []
    for unit, name in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, seconds = divmod(seconds, unit)
        if count or (name == "s" and not parts):
            parts.append(f"{count} {name}")
    return " ".join(parts[:2])


def size(count: int) -> str:
    """Bytes with one decimal: ``3.2 MB``."""
    if count < 1024:
        return f"{count} B"
    tenths, units = count * 10 // 1024, ["KB", "MB", "GB", "TB"]
    while tenths >= 10240 and len(units) > 1:
        tenths //= 1024
        units.pop(0)
    return f"{tenths // 10}.{tenths % 10} {units[0]}"


class Paint:
    """Colours, or nothing where they are not wanted."""

    def __init__(self, on: bool) -> None:
        self.on = on

    @classmethod
    def of(cls, stream: TextIO, no_color: bool) -> Paint:
        """On for a terminal that shows colours, unless ``--no-color`` or ``NO_COLOR`` says no."""
        wanted = not no_color and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        return cls(wanted and stream.isatty())

    def __call__(self, text: str, style: str) -> str:
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self.on and style else text

    def amount(self, text: str) -> str:
        """A signed amount: green above zero, red below."""
        return self(text, "red" if text.startswith("-") and text != "-" else "green" if text.startswith("+") else "")


def table(heads: list[str], rows: list[list[str]], paint: Paint, right: frozenset[str] = frozenset()) -> str:
    """Columns under their heads; those named in ``right`` are aligned right. Cells may be painted."""
    widths = [max(len(head), *(_width(row[n]) for row in rows), 0) for n, head in enumerate(heads)]
    lines = [_line(heads, widths, heads, right, lambda text: paint(text, "bold"))]
    lines += [_line(row, widths, heads, right, lambda text: text) for row in rows]
    return "\n".join(lines)


def _line(cells: list[str], widths: list[int], heads: list[str], right: frozenset[str], style: Any) -> str:
    parts = []
    for cell, width, head in zip(cells, widths, heads, strict=True):
        gap = " " * (width - _width(cell))
        parts.append(gap + style(cell) if head in right else style(cell) + gap)
    return "  ".join(parts).rstrip()


def _width(text: str) -> int:
    """Printed width: escape sequences take none."""
    if "\x1b" not in text:
        return len(text)
    width, inside = 0, False
    for char in text:
        if char == "\x1b":
            inside = True
        elif inside:
            inside = char != "m"
        else:
            width += 1
    return width


__all__ = ["Clock", "Number", "Paint", "duration", "iso", "plain", "price", "rounded", "signed", "size", "table"]
