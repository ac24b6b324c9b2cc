"""Numbers and times as the page writes them."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from html import escape

from msgspec import Struct

NOTHING = "–"


def percent(value: float | None, places: int = 2, signed: bool = False) -> str:
    """A fraction as per cent with a real minus sign."""
    if value is None or value != value:
        return NOTHING
    text = f"{value * 100:+,.{places}f}" if signed else f"{value * 100:,.{places}f}"
    return _minus(text, places) + " %"


def number(value: float | None, places: int = 2) -> str:
    """A ratio."""
    return NOTHING if value is None or value != value else _minus(f"{value:,.{places}f}", places)


def _minus(text: str, places: int) -> str:
    if not text.strip("+-0.,"):
        text = f"{0:.{places}f}"
    return text.replace("-", "−")


def exactly(value: Decimal | float, places: int = 2, signed: bool = False) -> str:
    """An amount rounded for reading."""
    return _minus(f"{value:+,.{places}f}" if signed else f"{value:,.{places}f}", places)


def price(value: float) -> str:
    """A price with as many decimals as it takes to tell it apart."""
    places = 2 if abs(value) >= 100 else 4 if abs(value) >= 1 else 6
    return f"{value:,.{places}f}"


def moment(at: int) -> str:
    """``2024-03-05 14:00`` UTC of nanoseconds."""
    return datetime.fromtimestamp(at // 10**9, UTC).strftime("%Y-%m-%d %H:%M")


def day(at: int) -> str:
    """``5 March 2024`` UTC of nanoseconds."""
    found = datetime.fromtimestamp(at // 10**9, UTC)
    return f"{found.day} {found.strftime('%B %Y')}"


def held(seconds: float | None) -> str:
    """``3 d 4 h``, ``5 h``, ``12 min``."""
    if seconds is None or seconds != seconds:
        return NOTHING
    minutes = round(seconds / 60)
    days, hours = minutes // 1440, minutes // 60 % 24
    return f"{days} d {hours} h" if days else f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"


def count(many: int, one: str) -> str:
    """``1 trade``, ``2 trades``."""
    return f"{many:,} {one}{'' if many == 1 else 's'}"


def tone(value: float | Decimal | None) -> str:
    """The class of an amount: gained, lost or neither."""
    return "" if value is None or not value or value != value else "up" if value > 0 else "down"


def row(cells: Iterable[str], tag: str = "td", css: str = "") -> str:
    """A row of a table; the cells are markup."""
    inner = "".join(cell if cell.startswith("<t") else f"<{tag}>{cell}</{tag}>" for cell in cells)
    return f'<tr class="{css}">{inner}</tr>' if css else f"<tr>{inner}</tr>"


def toned(text: str, value: float | Decimal | None) -> str:
    """A cell coloured by the sign of ``value``."""
    css = tone(value)
    return f'<td class="{css}">{text}</td>' if css else f"<td>{text}</td>"


class Amounts(Struct, frozen=True):
    """How amounts of money are written: in the coin, or (``hidden``) as per cent of what the account began with."""

    coin: str
    cash: Decimal
    hidden: bool

    @property
    def unit(self) -> str:
        """What stands in the head of a column."""
        return "% of start" if self.hidden else escape(self.coin)

    def share(self, amount: Decimal) -> float:
        """``amount`` as a fraction of the first cash."""
        return float(amount / self.cash) if self.cash else 0.0

    def cell(self, amount: Decimal, signed: bool = True) -> str:
        """The amount without its unit."""
        if self.hidden:
            return percent(self.share(amount), 2, signed).removesuffix(" %")
        return exactly(amount, 2, signed)

    def text(self, amount: Decimal, signed: bool = True) -> str:
        """The amount with its unit."""
        return f"{self.cell(amount, signed)} {'%' if self.hidden else escape(self.coin)}"
