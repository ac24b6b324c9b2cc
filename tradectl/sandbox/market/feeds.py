"""One public topic each: what it published last, and its next message (bybit-v5 8.2)."""

from decimal import Decimal
from typing import Any

from tradectl.sandbox.market.bars import merge, resample
from tradectl.sandbox.market.funding_rates import FundingRates
from tradectl.sandbox.market.instrument_market import InstrumentMarket, PublicPrint
from tradectl.sandbox.market.intervals import bucket_end, bucket_start
from tradectl.sandbox.market.liquidity import DEEPEST, Levels
from tradectl.sandbox.market.records import Kline
from tradectl.sandbox.market.text import level_texts, ms, text
from tradectl.sandbox.market.ticker import stream_ticker

Payload = dict[str, Any]
#: Level 1 repeats itself when nothing changed for this long.
REPEAT_AFTER = 3_000_000_000
#: Most trades in one message.
MOST_TRADES = 1024


class BookFeed:
    """``orderbook``: level 1 as snapshots, deeper ones as a snapshot and deltas against what was published."""

    def __init__(self, wire: str, market: InstrumentMarket, depth: int, seq: int) -> None:
        self._wire = wire
        self._market = market
        self._depth = min(depth, DEEPEST)
        self._update = 1
        self._published_at = self._engine_at = 0
        self._seq = seq
        self._sides: tuple[Levels, Levels] = market.book(self._depth)

    def snapshot(self, now: int, seq: int) -> Payload:
        """The book as published so far: the next delta follows it."""
        bids, asks = self._sides
        return self._message("snapshot", now, bids, asks)

    def update(self, now: int, seq: int) -> Payload | None:
        """The message that leads from the published book to the present one; ``None`` when they are equal."""
        present = self._market.book(self._depth)
        if present == self._sides:
            # The first sight of the clock must not count as three quiet seconds.
            quiet = self._published_at and now - self._published_at >= REPEAT_AFTER
            return self._message("snapshot", now, *present) if self._depth == 1 and quiet else None
        before, self._sides = self._sides, present
        self._update += 1
        self._seq, self._engine_at = seq, now
        if self._depth == 1:
            return self._message("snapshot", now, *present)
        return self._message("delta", now, _changes(before[0], present[0]), _changes(before[1], present[1]))

    def _message(self, kind: str, now: int, bids: Levels, asks: Levels) -> Payload:
        self._published_at = now
        return {
            "topic": self._wire,
            "type": kind,
            "ts": ms(now),
            "data": {
                "s": self._market.instrument.id.symbol,
                "b": level_texts(bids),
                "a": level_texts(asks),
                "u": self._update,
                "seq": self._seq,
            },
            "cts": ms(self._engine_at or now),
        }


def _changes(before: Levels, after: Levels) -> Levels:
    """Levels to delete (size 0: only ones the client holds), then levels that are new or have another size."""
    held, wanted = dict(before), dict(after)
    gone = [(price, Decimal(0)) for price in held if price not in wanted]
    return gone + [level for level in after if held.get(level[0]) != level[1]]


class TickerFeed:
    """``tickers``: perpetuals as a snapshot and deltas of the changed keys, spot always whole."""

    def __init__(self, wire: str, market: InstrumentMarket, funding: FundingRates, now: int) -> None:
        self._wire = wire
        self._market = market
        self._funding = funding
        self._published = stream_ticker(market, now, funding)

    def snapshot(self, now: int, seq: int) -> Payload:
        """The ticker as published so far."""
        return self._message("snapshot", now, seq, self._published)

    def update(self, now: int, seq: int) -> Payload | None:
        """What changed since the last message; ``None`` when nothing did."""
        before, self._published = self._published, stream_ticker(self._market, now, self._funding)
        changed = {key: value for key, value in self._published.items() if before[key] != value}
        if not changed:
            return None
        if self._market.instrument.is_spot:
            return self._message("snapshot", now, seq, self._published)
        return self._message("delta", now, seq, {"symbol": self._market.instrument.id.symbol, **changed})

    def _message(self, kind: str, now: int, seq: int, data: Payload) -> Payload:
        return {"topic": self._wire, "type": kind, "data": data, "cs": seq, "ts": ms(now)}


class TradeFeed:
    """``publicTrade``: every print, once."""

    def __init__(self, wire: str, market: InstrumentMarket) -> None:
        self._wire = wire
        self._market = market

    def messages(self, now: int, prints: list[PublicPrint]) -> list[Payload]:
        """The prints of one moment in messages of at most 1024."""
        groups = [prints[i : i + MOST_TRADES] for i in range(0, len(prints), MOST_TRADES)]
        return [
            {"topic": self._wire, "type": "snapshot", "ts": ms(now), "data": [self._row(one) for one in group]}
            for group in groups
        ]

    def _row(self, one: PublicPrint) -> Payload:
        row: Payload = {
            "T": ms(one.at),
            "s": self._market.instrument.id.symbol,
            "S": one.side.value,
            "v": text(one.qty),
            "p": text(one.price),
            "L": one.direction,
            "i": self._market.print_id(one.number),
            "BT": False,
            "RPI": False,
            "seq": one.seq,
        }
        if self._market.instrument.is_spot:
            del row["L"]
        return row


class KlineFeed:
    """``kline``: the candle in the making now and then, each final candle exactly once."""

    def __init__(self, wire: str, market: InstrumentMarket, interval: str, base: int, now: int) -> None:
        self._wire = wire
        self._market = market
        self._interval = interval
        self._base = base
        self._start = bucket_start(now, interval)
        self._closed = list(market.history.between(self._start, now))
        self._pushed_at = now

    def forming(self, now: int, at_least: int) -> Payload | None:
        """The candle in the making, when the last push is ``at_least`` nanoseconds old."""
        if now - self._pushed_at < at_least:
            return None
        open_base = self._market.open_kline(now - now % self._base)
        group = [*self._closed, open_base]
        start = bucket_start(open_base.open_time, self._interval)
        if start != self._start:
            group = [open_base]
        return self._message(now, merge(group, start), confirm=False)

    def closed(self, now: int, kline: Kline) -> list[Payload]:
        """Take in a closed base candle; the longer candles that are final with it.

        After a gap the candle before it is final only now, because nothing closed at its own end.
        """
        messages = []
        start = bucket_start(kline.open_time, self._interval)
        if start != self._start:
            messages += self._finish(now)
            self._start = start
        self._closed.append(kline)
        if kline.open_time + self._base >= bucket_end(start, self._interval):
            messages += self._finish(now)
            self._start = bucket_end(start, self._interval)
        return messages

    def _finish(self, now: int) -> list[Payload]:
        done, self._closed = self._closed, []
        return [self._message(now, kline, confirm=True) for kline in resample(done, self._interval)]

    def _message(self, now: int, kline: Kline, *, confirm: bool) -> Payload:
        self._pushed_at = now
        end = bucket_end(kline.open_time, self._interval)
        return {
            "topic": self._wire,
            "type": "snapshot",
            "ts": ms(now),
            "data": [
                {
                    "start": ms(kline.open_time),
                    "end": ms(end) - 1,
                    "interval": self._interval,
                    "open": text(kline.open),
                    "close": text(kline.close),
                    "high": text(kline.high),
                    "low": text(kline.low),
                    "volume": text(kline.volume),
                    "turnover": text(kline.turnover),
                    "confirm": confirm,
                    "timestamp": ms(now),
                }
            ],
        }
