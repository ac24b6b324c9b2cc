"""What a market source produces: prints in time order and the candles they close."""

from decimal import Decimal

from msgspec import Struct

from tradectl.matching.bar_path import Print
from tradectl.model.instruments import InstrumentId

ONE = Decimal(1)


class Kline(Struct, frozen=True, array_like=True, gc=False):
    """A candle as the venue keeps it. ``index_ratio`` is index price over traded price during it."""

    open_time: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    turnover: Decimal
    index_ratio: Decimal = ONE


class Bar(Struct, frozen=True, gc=False):
    """A candle of one instrument before it is played: ``kline`` without its turnover, which the prints decide."""

    instrument: InstrumentId
    kline: Kline


class Tick(Struct, frozen=True, gc=False):
    """The prints of one instrument at one moment, in order; there may be none."""

    instrument: InstrumentId
    prints: tuple[Print, ...]
    index_ratio: Decimal = ONE


class Moment(Struct, frozen=True, gc=False):
    """One micro-step of the market at venue time ``at``: ticks, or the candles that are final from now on."""

    at: int
    ticks: tuple[Tick, ...] = ()
    closes: tuple[Bar, ...] = ()
