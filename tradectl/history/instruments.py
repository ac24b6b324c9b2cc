"""Instruments made up from the data itself, where no snapshot says what they were: tick and lot by the decimals."""

from collections.abc import Iterator
from decimal import Decimal

import numpy as np

from tradectl.history.file_names import QUOTES
from tradectl.history.reading import History
from tradectl.history.series import Candles, Columns, Kind, Levels, SeriesId, Tape, Touches, Values
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.instruments import Category, Instrument, InstrumentId

#: So many values are looked at, spread over the first part of the series.
LOOKED_AT = 4000
#: A tick of 2 or 5 units is believed when at least so many different prices keep it.
ENOUGH = 50
#: A float with more digits than this carries the noise of some calculation, no venue's decimals.
DIGITS, MOST_DECIMALS = 15, 12
#: Bybit's usual least order in dollars, and its usual funding interval in minutes.
LEAST_NOTIONAL, EIGHT_HOURS = Decimal(5), 480
#: No venue's smallest step is worth this much, in dollars.
FORTUNE = Decimal(500)
_DOLLARS = ("USDT", "USDC", "USDE", "USD", "EUR")


def guess_instrument(history: History, identity: InstrumentId) -> tuple[Instrument, str]:
    """An instrument by its rows, and the sentence that says so.

    Tick and lot are the smallest steps the values keep; nothing limits size, and the least order is 5 in dollars.
    Raises :class:`Problem` when the symbol names no quote coin or there are no prices.
    """
    base, quote = coins_of(identity.symbol)
    prices, sizes = _values(history, identity)
    tick = step_of(prices)
    inverse = identity.category is Category.INVERSE
    lot = Decimal(1) if inverse else _lot(sizes, prices) if quote in _DOLLARS else _step_or_usual(sizes)
    perpetual = identity.category in (Category.LINEAR, Category.INVERSE)
    largest = Decimal(10) ** 12
    made = Instrument(
        id=identity,
        base_coin=base,
        quote_coin=quote,
        settle_coin=(base if inverse else quote) if perpetual else "",
        tick_size=tick,
        lot_size=lot,
        min_qty=lot,
        max_limit_qty=largest,
        max_market_qty=largest,
        min_notional=LEAST_NOTIONAL if quote in _DOLLARS and not inverse else Decimal(0),
        min_price=tick,
        max_leverage=Decimal(100 if perpetual else 1),
        funding_interval=EIGHT_HOURS if perpetual else 0,
    )
    note = f"{identity}: filters guessed from the data (tick {tick:f}, lot {lot:f}); no stored instrument says them"
    return made, note


def _step_or_usual(sizes: Values) -> Decimal:
    return step_of(sizes, exact_decimals=True) if len(sizes) else Decimal("0.001")


def _lot(sizes: Values, prices: Values) -> Decimal:
    """The step of the sizes; where one step would cost a fortune, volumes were rounded to whole coins and say nothing
    about the smallest trade: then about what the least order is worth."""
    step, price = _step_or_usual(sizes), Decimal(repr(float(np.median(prices))))
    if step * price <= FORTUNE:
        return step
    return Decimal(1).scaleb((LEAST_NOTIONAL / price).adjusted())


def coins_of(symbol: str) -> tuple[str, str]:
    """Base and quote coin of a symbol's text. Raises :class:`Problem`."""
    for quote in QUOTES:
        if symbol.endswith(quote) and len(symbol) > len(quote):
            return symbol.removesuffix(quote), quote
    raise Problem(
        ErrorCode.UNKNOWN_SYMBOL,
        f"{symbol!r} names no quote coin known here",
        field="symbol",
        reason=f"a symbol ends with one of {', '.join(QUOTES)}",
        remedy="tradectl data download brings the exchange's own instruments",
    )


def step_of(values: Values, exact_decimals: bool = False) -> Decimal:
    """The smallest step values keep: a power of ten, or 2 or 5 times one where many different values agree."""
    distinct = np.unique(values[np.isfinite(values) & (values != 0)])
    texts = [format(Decimal(repr(float(it))), "f") for it in distinct[:: max(1, len(distinct) // LOOKED_AT)]]
    believed = [text for text in texts if len(text.replace(".", "").strip("0")) <= DIGITS]
    fractions = [text.partition(".")[2].rstrip("0") for text in believed]
    places = min(max((len(it) for it in fractions), default=8), MOST_DECIMALS)
    unit = Decimal(1).scaleb(-places)
    if exact_decimals or len(believed) < ENOUGH:
        return unit
    last = {int(it.ljust(places, "0")[places - 1]) if places else int(text.partition(".")[0][-1])
            for it, text in zip(fractions, believed, strict=True)}  # fmt: skip
    for factor in (5, 2):
        if all(digit % factor == 0 for digit in last):
            return unit * factor
    return unit


def _values(history: History, identity: InstrumentId) -> tuple[Values, Values]:
    """Prices and sizes of the instrument's best series: trades, quotes, or the shortest candles."""
    order = (Kind.TRADES, Kind.BOOK, Kind.QUOTES, Kind.CANDLES, Kind.MARK, Kind.INDEX)
    series = [it for it in history.series() if it.instrument == identity and it.kind in order]
    for one in sorted(series, key=lambda it: (order.index(it.kind), it.interval)):
        part = next(iter(_first(history, one)), None)
        if part is not None:
            return _prices(part)
    raise Problem(
        ErrorCode.NOT_FOUND,
        f"there are no prices of {identity}",
        field="symbol",
        remedy="tradectl data list shows what is there; import or download it first",
    )


def _first(history: History, series: SeriesId) -> Iterator[Columns]:
    span = history.span(series)
    return history.read(series, span.first, span.last + 1) if span else iter(())


def _prices(part: Columns) -> tuple[Values, Values]:
    if isinstance(part, Tape):
        return part.price, part.size
    if isinstance(part, Touches):
        return np.concatenate((part.bid, part.ask)), np.concatenate((part.bid_size, part.ask_size))
    if isinstance(part, Levels):
        return part.price, part.size
    assert isinstance(part, Candles)
    return np.concatenate((part.open, part.high, part.low, part.close)), part.volume
