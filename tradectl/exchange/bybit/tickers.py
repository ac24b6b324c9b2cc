"""The 24-hour tickers of a whole category, for whoever chooses among its symbols (bybit-v5 4.5)."""

from math import inf, nan

from tradectl.exchange.bybit.rest import Rest
from tradectl.exchange.bybit.wire import Text, TickerPage, UniverseTicker
from tradectl.model.events import UniverseRow


async def read_tickers(rest: Rest, category: str) -> tuple[UniverseRow, ...]:
    """Every symbol of ``category``, by name. Raises ``ReadFailed``, and ``ValueError`` on a value that is none."""
    page = await rest.read("get_tickers", TickerPage, category=category)
    return tuple(sorted((universe_row(row) for row in page.list), key=lambda row: row.symbol))


def universe_row(row: UniverseTicker) -> UniverseRow:
    """A ticker row as floats, 0.0 where the venue states nothing. Raises ``ValueError`` naming what makes no sense."""
    return UniverseRow(
        symbol=row.symbol,
        last=_number(row, "lastPrice", 0.0),
        bid=_number(row, "bid1Price", 0.0),
        ask=_number(row, "ask1Price", 0.0),
        turnover=_number(row, "turnover24h", 0.0),
        high=_number(row, "highPrice24h", 0.0),
        low=_number(row, "lowPrice24h", 0.0),
        funding_rate=_number(row, "fundingRate", -1.0),
    )


def _number(row: UniverseTicker, name: str, least: float) -> float:
    text: Text = getattr(row, name)
    try:
        value = float(text) if text else 0.0
    except ValueError:
        value = nan
    if not least <= value < inf:
        raise ValueError(f"{row.symbol}: {name} {text!r} is no number from {least:g} up")
    return value
