"""What a venue is made of: its market, its clock and where it keeps its memory."""

from pathlib import Path

from msgspec import Struct


class VenueConfig(Struct, frozen=True, kw_only=True):
    """The settings of one venue. Without ``data`` the market is generated from ``seed``.

    ``speed`` is how many times faster than the wall venue time runs; ``None`` is stepped: time moves in ``step()``
    only. ``backfill`` is how many closed candles exist before the first live one: of the generator, or the first of
    the file. ``None`` means 300, except for a file replayed stepped, which is the whole run and keeps all its bars.
    """

    state: Path | None = None  # directory; None keeps everything in memory
    data: Path | None = None  # candle or trade file, CSV, plain or gzip; or a folder of candle files
    category: str = "linear"  # of the file
    symbol: str = "BTCUSDT"  # of the file
    interval: str = "1m"  # of the file's candles, in our words (model.market_data.INTERVALS)
    funding: Path | None = None  # funding rates of the file's symbol
    speed: float | None = 1.0
    seed: int = 1
    symbols: tuple[str, ...] = ("BTCUSDT", "ETHUSDT", "SOLUSDT")  # generated, spot and linear; BTCUSD inverse
    backfill: int | None = None
