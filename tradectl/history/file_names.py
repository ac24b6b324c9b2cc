"""What the name of a file says of its series: ``bybit_linear_BTCUSDT_1m_2025-06.csv.gz``, where it is unambiguous."""

import re
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from tradectl.history.series import Kind
from tradectl.model.instruments import Category
from tradectl.model.market_data import INTERVALS

#: Coins a symbol ends with, longest first.
QUOTES = ("USDT", "USDC", "USDE", "EUR", "BTC", "ETH", "SOL", "USD")
_CATEGORIES = {
    "linear": Category.LINEAR, "perp": Category.LINEAR, "usdm": Category.LINEAR, "futures": Category.LINEAR,
    "spot": Category.SPOT, "inverse": Category.INVERSE,
}  # fmt: skip
_KINDS = {
    "funding": Kind.FUNDING, "fundingrate": Kind.FUNDING, "trades": Kind.TRADES, "trade": Kind.TRADES,
    "quotes": Kind.QUOTES, "mark": Kind.MARK, "markprice": Kind.MARK, "index": Kind.INDEX,
    "indexprice": Kind.INDEX, "oi": Kind.OPEN_INTEREST, "openinterest": Kind.OPEN_INTEREST,
    "candles": Kind.CANDLES, "klines": Kind.CANDLES, "kline": Kind.CANDLES,
}  # fmt: skip
T = TypeVar("T")
_SYMBOL = re.compile(rf"(?=.*[A-Z])[A-Z0-9]{{1,16}}?(?:{'|'.join(QUOTES)})(?=$|\d{{4}}$)")


class Named(Struct, frozen=True):
    """What a name tells; ``None`` or empty where it tells nothing, or two things."""

    category: Category | None = None
    symbol: str = ""
    kind: Kind | None = None
    interval: str = ""


def named(path: Path) -> Named:
    """What ``path`` says, by the words between ``_``, ``-``, ``.`` and spaces. A bare word ``D`` says nothing."""
    words = [word for word in re.split(r"[^A-Za-z0-9]+", path.name) if word]
    lower = [word.lower() for word in words]
    upper = [word.upper() if word.islower() else word for word in words]
    symbols = {match.group() for word in upper if (match := _SYMBOL.match(word))}
    return Named(
        _only({_CATEGORIES[word] for word in lower if word in _CATEGORIES}),
        _only(symbols) or "",
        _only({_KINDS[word] for word in lower if word in _KINDS}),
        _only({word for word in words if word in INTERVALS}) or "",
    )


def _only(found: set[T]) -> T | None:
    return next(iter(found)) if len(found) == 1 else None
