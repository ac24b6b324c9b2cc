"""The 24-hour tickers of a whole category, for whoever chooses among its symbols (bybit-v5 4.5)."""

from math import inf

from tradectl.exchange.bybit.rest import Rest
from tradectl.exchange.bybit.wire import Text, TickerPage, UniverseTicker
from tradectl.model.events import UniverseRow


async def read_tickers(rest: Rest, category: str) -> tuple[UniverseRow, ...]:
    """Every symbol of ``category``, by name. Raises ``ReadFailed``, and ``ValueError`` on a value that is none."""
    page = await rest.read("get_tickers", TickerPage, category=category)
    return tuple(sorted((universe_row(row) for row in page.list), key=lambda row: row.symbol))


def universe_row(row: UniverseTicker) -> UniverseRow:
    """A ticker row as floats, 0.0 where the venue states nothing. Raises ``ValueError`` naming what is no number."""
    return UniverseRow(
        symbol=row.symbol,
        last=_not_negative(row, "lastPrice"),
        bid=_not_negative(row, "bid1Price"),
        ask=_not_negative(row, "ask1Price"),
        turnover=_not_negative(row, "turnover24h"),
        high=_not_negative(row, "highPrice24h"),
        low=_not_negative(row, "lowPrice24h"),
        funding_rate=_number(row, "fundingRate"),
    )


def _not_negative(row: UniverseTicker, name: str) -> float:
    value = _number(row, name)
    if value < 0.0:
        raise ValueError(f"{row.symbol}: {name} {value} is negative")
    return value


def _number(row: UniverseTicker, name: str) -> float:
    text: Text = getattr(row, name)
    value = float(text) if text else 0.0
    if not -inf < value < inf:
        raise ValueError(f"{row.symbol}: {name} {text} is not a finite number")
    return value
