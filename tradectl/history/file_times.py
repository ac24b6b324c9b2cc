"""The times of a foreign file as nanoseconds UTC: seconds to nanoseconds since 1970, or ISO 8601."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

#: Years 2000 to 2100 in seconds: in no two units the same numbers.
EARLIEST, LATEST = 946_684_800, 4_102_444_800
UNITS = {"seconds": 10**9, "milliseconds": 10**6, "microseconds": 10**3, "nanoseconds": 1}
_NAIVE = "says no zone: give one with --zone, such as --zone UTC"


#: No time has more; Python will not read numbers of thousands.
MOST_DIGITS = 32


class BadTime(Exception):
    """A text that is no time; its words read on from the field's name."""


class Times(Struct):
    """Nanoseconds (0 where the cell is no time), why each bad one is none, and the unit that was found."""

    values: NDArray[np.int64]
    bad: dict[int, str]
    unit: str = ""


def zone_named(name: str) -> tzinfo | None:
    """The zone of ``--zone``; ``None`` for none given. Raises ``BadTime``."""
    if not name:
        return None
    if name.upper() == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise BadTime(f"{name!r} is no time zone; try UTC or Europe/Warsaw") from None


def times_of(cells: Sequence[Any] | NDArray[Any], zone: tzinfo | None, unit: str = "") -> Times:
    """All cells as times; ``unit`` is what earlier parts of the file were in, and nothing else is taken then."""
    if isinstance(cells, np.ndarray) and cells.dtype.kind == "M":
        texts = [str(it) for it in cells] if zone is not UTC else None
        if texts is None:
            return Times(cells.astype("datetime64[ns]").astype(np.int64), {}, "ISO 8601")
        return _each(texts, lambda cell: iso_time(cell, zone), "ISO 8601")
    try:
        whole = _whole(cells)
    except (ValueError, TypeError, OverflowError):
        return _mixed(cells, zone, unit)
    return _scaled(whole, unit)


def _whole(cells: Sequence[Any] | NDArray[Any]) -> NDArray[np.int64]:
    if isinstance(cells, np.ndarray):
        if cells.dtype.kind not in "iu":
            raise ValueError("not whole numbers")
        return cells.astype(np.int64)
    if any(type(cell) not in (str, int) for cell in cells):
        raise ValueError("not whole numbers")
    if "_" in "".join(map(str, cells[:CELLS_LOOKED_AT])):
        raise ValueError("not plain digits")
    return np.array(list(map(int, cells)), np.int64)


#: Python takes 1_000 for a number; a file that writes so does it from the start.
CELLS_LOOKED_AT = 1000


def _scaled(whole: NDArray[np.int64], unit: str) -> Times:
    """Whole numbers in the unit most of them are in."""
    if not unit:
        counts = {name: int(_within(whole, scale).sum()) for name, scale in UNITS.items()}
        unit = max(counts, key=lambda name: counts[name])
    scale = UNITS.get(unit, 0)
    good = _within(whole, scale) if scale else np.zeros(len(whole), bool)
    rule = f"is not between the years 2000 and 2100 in {unit}"
    bad = {int(row): f"{whole[row]} {rule}" for row in np.flatnonzero(~good)}
    return Times(np.where(good, whole, 0) * (scale or 1), bad, unit)


def _within(whole: NDArray[np.int64], scale: int) -> NDArray[np.bool_]:
    per_second = 10**9 // scale
    return (whole >= EARLIEST * per_second) & (whole < LATEST * per_second)


def _mixed(cells: Sequence[Any] | NDArray[Any], zone: tzinfo | None, unit: str) -> Times:
    """Cell by cell: fractions of seconds, ISO 8601, or numbers among which some are bad."""
    looked = next((str(cell) for cell in cells if str(cell).strip() and _is_time(str(cell), zone)), "")
    if not looked or not _is_decimal(looked):
        return _each(cells, lambda cell: iso_time(str(cell), zone), "ISO 8601")
    unit = unit or next((name for name, scale in UNITS.items() if _inside(Decimal(looked), scale)), "milliseconds")
    return _each(cells, lambda cell: _decimal_time(cell, unit), unit)


def _is_time(cell: str, zone: tzinfo | None) -> bool:
    if _is_decimal(cell):
        return any(_inside(Decimal(cell), scale) for scale in UNITS.values())
    try:
        iso_time(cell, zone or UTC)
    except BadTime:
        return False
    return True


def _is_decimal(cell: str) -> bool:
    return len(cell) < MOST_DIGITS and cell.isascii() and cell.replace(".", "", 1).isdecimal()


def _inside(value: Decimal, scale: int) -> bool:
    return EARLIEST * 10**9 <= value * scale < LATEST * 10**9


def _decimal_time(cell: Any, unit: str) -> int:
    scale = UNITS[unit]
    if type(cell) is str and _is_decimal(cell) and cell[0] != ".":  # the quick way of almost every cell
        whole, _, part = cell.partition(".")
        found = int(whole) * scale + int(part[:9].ljust(9, "0")) * scale // 10**9
        if EARLIEST * 10**9 <= found < LATEST * 10**9:
            return found
    try:
        value = Decimal(repr(cell) if isinstance(cell, float) else str(cell))
    except InvalidOperation:
        raise BadTime(f"{cell!r} is no time in {unit}" if str(cell) else "is empty") from None
    if not value.is_finite() or abs(value.adjusted()) > MOST_DIGITS or not _inside(value, scale):
        raise BadTime(f"{cell} is not between the years 2000 and 2100 in {unit}")
    return int(value * scale)


def iso_time(cell: str, zone: tzinfo | None) -> int:
    """Nanoseconds UTC of ISO 8601; a time without a zone is taken in ``zone``. Raises :class:`BadTime`."""
    text = cell.strip()
    text = f"{text[:-4]}+00:00" if text.endswith(" UTC") else text
    digits = _fraction(text)
    try:
        found = datetime.fromisoformat(text.replace(f".{digits}", "", 1) if digits else text)
    except ValueError:
        raise BadTime(f"{cell!r} is no time" if text else "is empty") from None
    if found.tzinfo is None:
        found = _placed(found, zone, cell)
    since = found - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 10**9 + int(digits[:9].ljust(9, "0") or 0)


def _fraction(text: str) -> str:
    """The digits after the seconds' point: Python reads six of them, venues write up to nine."""
    _, point, rest = text.partition(".")
    count = next((place for place, char in enumerate(rest) if not char.isdecimal()), len(rest))
    return rest[:count] if point else ""


def _placed(found: datetime, zone: tzinfo | None, cell: str) -> datetime:
    """A local time in its zone. Raises :class:`BadTime` where clocks were turned and it exists twice or never."""
    if zone is None:
        raise BadTime(f"{cell!r} {_NAIVE}")
    early, late = found.replace(tzinfo=zone), found.replace(tzinfo=zone, fold=1)
    if early.utcoffset() != late.utcoffset():
        back = (early.utcoffset() or timedelta()) > (late.utcoffset() or timedelta())
        times = "twice" if back else "never"
        raise BadTime(f"{cell!r} happened {times} in {zone}, where clocks were turned: give times in UTC")
    return early


def _each(cells: Sequence[Any] | NDArray[Any], read: Callable[[Any], int], unit: str) -> Times:
    values = np.zeros(len(cells), np.int64)
    bad: dict[int, str] = {}
    for row, cell in enumerate(cells):
        try:
            values[row] = read(cell)
        except BadTime as error:
            bad[row] = str(error)
    return Times(values, bad, unit)
