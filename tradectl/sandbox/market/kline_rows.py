"""Rows of ``kline`` and its mark and index twins: which candles a request asks for, newest first (bybit-v5 4.2)."""

from decimal import Decimal

from tradectl.matching.records import Refused
from tradectl.sandbox.market.bars import resample
from tradectl.sandbox.market.instrument_market import InstrumentMarket
from tradectl.sandbox.market.intervals import MONTH, bucket_end, bucket_start, can_be_made_of
from tradectl.sandbox.market.records import Kline
from tradectl.sandbox.market.text import NS_PER_MS, ms, text

#: A month's candles are looked for this far apart at least.
_MONTH_LENGTH = 31 * 86_400_000_000_000

_PREMIUM_STEP = Decimal("0.000001")


def klines(
    market: InstrumentMarket, base: int, now: int, interval: str, start: int | None, end: int | None, limit: int
) -> list[Kline]:
    """The candles of a request, newest first; ``start`` and ``end`` in milliseconds.

    The newest is the one still open. A ``start`` inside a candle returns it too; with ``start`` alone the window runs
    forward, else the newest ``limit`` candles up to ``end`` count. Raises ``Refused`` for an interval that the
    candles of the market cannot make.
    """
    if not can_be_made_of(interval, base):
        raise Refused(10001, "params error: Invalid period!")
    latest = now if end is None else min(end * NS_PER_MS, now)
    last_open = bucket_start(latest, interval)
    length = _MONTH_LENGTH if interval == MONTH else bucket_end(last_open, interval) - last_open
    earliest = last_open - (limit - 1) * length
    if start is not None:
        first = bucket_start(start * NS_PER_MS, interval)
        if end is None:
            earliest, last_open = first, min(last_open, bucket_start(first + (limit - 1) * length, interval))
        else:
            earliest = max(first, earliest)
    found = _merged(market, base, now, interval, bucket_start(earliest, interval), bucket_end(last_open, interval))
    newest = found[::-1]
    return newest[-limit:] if start is not None and end is None else newest[:limit]


def _merged(market: InstrumentMarket, base: int, now: int, interval: str, start: int, end: int) -> list[Kline]:
    """Candles opening in [start, end), oldest first, the one in the making included."""
    group = market.history.between(start, end)
    open_base = now - now % base
    last = group[-1] if group else None
    if start <= open_base < end and (last is None or last.open_time < open_base):
        group = [*group, market.open_kline(open_base)]
    return resample(group, interval)


def kline_rows(
    market: InstrumentMarket, base: int, now: int, interval: str, start: int | None, end: int | None, limit: int
) -> list[list[str]]:
    """``[startTime, open, high, low, close, volume, turnover]``."""
    return [
        [str(ms(k.open_time)), *map(text, (k.open, k.high, k.low, k.close, k.volume, k.turnover))]
        for k in klines(market, base, now, interval, start, end, limit)
    ]


def price_rows(
    market: InstrumentMarket,
    kind: str,
    base: int,
    now: int,
    interval: str,
    start: int | None,
    end: int | None,
    limit: int,
) -> list[list[str]]:
    """``[startTime, open, high, low, close]`` of the mark or index price."""
    rows = []
    step = market.instrument.tick_size.scaleb(-1)
    for kline in klines(market, base, now, interval, start, end, limit):
        ratio = kline.index_ratio if kind == "index" else (1 + kline.index_ratio) / 2
        prices = (_scaled(price, ratio, step) for price in (kline.open, kline.high, kline.low, kline.close))
        rows.append([str(ms(kline.open_time)), *map(text, prices)])
    return rows


def premium_rows(
    market: InstrumentMarket, base: int, now: int, interval: str, start: int | None, end: int | None, limit: int
) -> list[list[str]]:
    """``[startTime, open, high, low, close]`` of the premium index: (price - index) / index, six decimals.

    A candle knows one index ratio, so its premium goes in a line from its predecessor's to its own.
    """
    found = klines(market, base, now, interval, start, end, limit)
    premiums = [(1 / kline.index_ratio - 1).quantize(_PREMIUM_STEP) for kline in found]
    rows = []
    for number, (kline, close) in enumerate(zip(found, premiums, strict=True)):
        open_ = premiums[number + 1] if number + 1 < len(premiums) else close
        shown = (open_, max(open_, close), min(open_, close), close)
        rows.append([str(ms(kline.open_time)), *map(text, shown)])
    return rows


def _scaled(price: Decimal, ratio: Decimal, step: Decimal) -> Decimal:
    return price if ratio == 1 else (price * ratio).quantize(step)
