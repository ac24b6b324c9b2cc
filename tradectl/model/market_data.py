"""Market data as indicators see it: floats for speed, times in nanoseconds UTC."""

from msgspec import Struct

from tradectl.model.instruments import InstrumentId


class Bar(Struct, frozen=True, array_like=True, gc=False):
    """A closed candle. ``open_time`` is its first nanosecond; ``volume`` in base, ``turnover`` in quote coin.

    ``late`` marks a bar that closed while the daemon was down: it may close a position, never open one.
    """

    open_time: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    turnover: float = 0.0
    late: bool = False


#: Bybit's kline intervals and their lengths in nanoseconds. A month has no fixed length and is not offered.
INTERVALS: dict[str, int] = {
    **{f"{n}m": n * 60_000_000_000 for n in (1, 3, 5, 15, 30)},
    **{f"{n}h": n * 3_600_000_000_000 for n in (1, 2, 4, 6, 12)},
    "1d": 86_400_000_000_000,
    "1w": 604_800_000_000_000,
}


def grid_offset(length: int) -> int:
    """Where the grid of candles of ``length`` begins: weeks on Monday (1970 began on a Thursday), all else at 1970."""
    return 4 * INTERVALS["1d"] if length == INTERVALS["1w"] else 0


#: Our interval names as Bybit writes them on the wire.
WIRE_INTERVALS: dict[str, str] = {
    "1m": "1", "3m": "3", "5m": "5", "15m": "15", "30m": "30", "1h": "60",
    "2h": "120", "4h": "240", "6h": "360", "12h": "720", "1d": "D", "1w": "W",
}  # fmt: skip


class Ticker(Struct, frozen=True, array_like=True, gc=False):
    """The merged ticker of an instrument. Prices the venue has not stated are 0.0; spot has no mark or funding."""

    last: float
    mark: float = 0.0
    index: float = 0.0
    bid: float = 0.0
    ask: float = 0.0
    funding_rate: float = 0.0
    next_funding: int = 0
    turnover_24h: float = 0.0
    high_24h: float = 0.0
    low_24h: float = 0.0


class MarketKey(Struct, frozen=True, array_like=True, cache_hash=True, order=True):
    """A stream of market data somebody asked for: ``kind`` is bars, quotes, trades, book or ticker.

    ``detail`` is the interval for bars, the depth for books, and empty otherwise.
    """

    kind: str
    instrument: InstrumentId
    detail: str = ""
