"""Numbers as Bybit writes them: plain decimal text, milliseconds."""

from decimal import Decimal

from tradectl.sandbox.market.liquidity import Levels

NS_PER_MS = 1_000_000


def text(value: Decimal) -> str:
    """Plain decimal text, never with an exponent; digits are kept as they are."""
    written = str(value)
    return format(value, "f") if "E" in written else written


def level_texts(levels: Levels) -> list[list[str]]:
    """Book levels as ``[price, size]``."""
    return [[text(price), text(size)] for price, size in levels]


def ms(time: int) -> int:
    """Nanoseconds as whole milliseconds."""
    return time // NS_PER_MS
