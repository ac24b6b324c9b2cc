"""From the candles of one interval to the moments that play them.

A candle's four corner prints come from :func:`bar_prints`. With more micro-steps than corners, further prints are put
between them, taking their volume from the corners and staying inside the candle's range: whatever the number of
steps, the prints aggregate to exactly the candle.
"""

from decimal import Decimal

from msgspec.structs import replace

from tradectl.matching.bar_path import Print, bar_prints
from tradectl.model.instruments import Instrument
from tradectl.model.money import ZERO
from tradectl.model.orders import Side
from tradectl.sandbox.market.mixing import Random, salt
from tradectl.sandbox.market.records import Bar, Kline, Moment, Tick
from tradectl.sandbox.market.turnover import Worth, worth_of

#: The corner prints of a candle: the least number of micro-steps that play one.
CORNERS = 4
#: Distance of the first print from the open and of the last one from the close.
EDGE_NS = 1_000_000

Prints = tuple[Print, ...]


def bar_moments(bars: tuple[Bar, ...], instruments: list[Instrument], interval: int, parts: int) -> list[Moment]:
    """``parts`` moments with the prints of ``bars`` (which share their open time), and the one that closes them."""
    open_time = bars[0].kline.open_time
    paths = [_path(bar.kline, instrument, parts) for bar, instrument in zip(bars, instruments, strict=True)]
    moments = [
        Moment(
            open_time + EDGE_NS + (interval - 2 * EDGE_NS) * part // (parts - 1),
            tuple(
                Tick(bar.instrument, path[part], bar.kline.index_ratio) for bar, path in zip(bars, paths, strict=True)
            ),
        )
        for part in range(parts)
    ]
    closes = tuple(
        Bar(bar.instrument, with_turnover(bar.kline, path, worth_of(bar.instrument)))
        for bar, path in zip(bars, paths, strict=True)
    )
    moments.append(Moment(open_time + interval, (), closes))
    return moments


def with_turnover(kline: Kline, path: list[Prints], worth: Worth) -> Kline:
    """The candle with the turnover its prints add up to."""
    turnover = sum((worth(p.price, p.qty) for prints in path for p in prints), ZERO)
    return replace(kline, turnover=turnover)


def closed_kline(kline: Kline, instrument: Instrument) -> Kline:
    """A candle that is not played but belongs to the past: its turnover is that of its corner prints."""
    return with_turnover(kline, [tuple(corners(kline, instrument))], worth_of(instrument.id))


def corners(kline: Kline, instrument: Instrument) -> list[Print]:
    """The corner prints of a candle, none without volume."""
    return bar_prints(
        kline.open, kline.high, kline.low, kline.close, kline.volume, instrument.tick_size, instrument.lot_size
    )


def _path(kline: Kline, instrument: Instrument, parts: int) -> list[Prints]:
    prints = corners(kline, instrument)
    path: list[Prints] = [()] * parts
    places = [i * (parts - 1) // max(len(prints) - 1, 1) for i in range(len(prints))]
    if parts <= CORNERS:
        for place, corner in zip(places, prints, strict=True):
            path[place] = (corner,)
        return path
    random = Random(salt(instrument.id, kline.open_time, kline.close, kline.volume))
    for i, (place, corner) in enumerate(zip(places, prints, strict=True)):
        end = places[i + 1] if i + 1 < len(prints) else place + 1
        target = prints[i + 1].price if i + 1 < len(prints) else corner.price
        for k, part in enumerate(_between(corner, target, end - place, kline, instrument, random)):
            path[place + k] = part
    return path


def _between(
    corner: Print, target: Decimal, steps: int, kline: Kline, instrument: Instrument, random: Random
) -> list[Prints]:
    """The corner and what follows until the next one: ``steps`` groups of prints with the corner's volume."""
    lot, tick = instrument.lot_size, instrument.tick_size
    lots = int(corner.qty / lot)
    spread_lots = _shares(lots, steps, random)
    kept = corner.qty - sum(spread_lots) * lot
    groups: list[Prints] = [(Print(corner.price, kept, corner.side),)]
    low, high, start = int(kline.low / tick), int(kline.high / tick), int(corner.price / tick)
    distance, noise = int(target / tick) - start, max(1, (high - low) // 6)
    last = start
    for k, share in enumerate(spread_lots, start=1):
        price = start + distance * k // steps + random.below(2 * noise + 1) - noise
        price = min(max(price, low), high)
        side = corner.side if price == last else Side.BUY if price > last else Side.SELL
        groups.append((Print(price * tick, share * lot, side),) if share else ())
        last = price
    return groups


def _shares(lots: int, steps: int, random: Random) -> list[int]:
    """Lots for the steps after the corner, which keeps at least one lot (or its whole fraction of one)."""
    shares = []
    left = lots - 1
    for k in range(steps - 1, 0, -1):
        share = min(left, random.below(2 * (left // (k + 1)) + 1)) if left > 0 else 0
        shares.append(share)
        left -= share
    return shares
