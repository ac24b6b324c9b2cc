"""Where the market stood at given moments, from one pass over a record: how far it moved between two fills."""

from bisect import bisect_right
from collections.abc import Iterable
from decimal import Decimal

from tradectl.backtest.parity.orders import Side
from tradectl.backtest.recorded import Market, Recorded
from tradectl.model.events import BarClosed, QuoteChanged, TickerChanged
from tradectl.model.instruments import InstrumentId
from tradectl.model.money import exact

#: Best bid and ask.
Best = tuple[float, float]


class Touches:
    """Only what is asked for is kept: it grows with fills, not with market data."""

    def __init__(self, market: Iterable[Market], wanted: dict[InstrumentId, list[int]]) -> None:
        """``wanted`` are times of the venue per instrument, in order."""
        self._times = wanted
        self._found: dict[InstrumentId, list[Best | None]] = {i: [None] * len(it) for i, it in wanted.items()}
        self._quoted: set[InstrumentId] = set()
        now: dict[InstrumentId, tuple[int, Best]] = {}
        for event in market:
            best = self._best(event)
            if best is None or event.instrument not in wanted:
                continue
            before = now.get(event.instrument)
            if before is not None:
                self._fill(event.instrument, before[1], before[0], event.ts)
            now[event.instrument] = event.ts, best
        for instrument, (ts, best) in now.items():
            self._fill(instrument, best, ts, 1 << 63)

    def _fill(self, instrument: InstrumentId, best: Best, since: int, until: int) -> None:
        """``best`` stood from ``since`` to before ``until``."""
        times, found = self._times[instrument], self._found[instrument]
        at = bisect_right(times, since - 1)
        while at < len(times) and times[at] < until:
            found[at] = best
            at += 1

    def _best(self, event: Market) -> Best | None:
        """What the event says of the touch; quotes, once there are any, count alone."""
        if isinstance(event, QuoteChanged):
            self._quoted.add(event.instrument)
            return event.bid, event.ask
        if event.instrument in self._quoted:
            return None
        if isinstance(event, TickerChanged):
            return event.ticker.bid or event.ticker.last, event.ticker.ask or event.ticker.last
        if isinstance(event, BarClosed):
            return event.bid or event.bar.close, event.ask or event.bar.close
        return event.price, event.price

    def touch(self, instrument: InstrumentId, sign: int, ts: int) -> Decimal | None:
        """What a taker found at ``ts``: the ask for a buy. ``None`` before the first word of the market."""
        times = self._times.get(instrument, [])
        at = bisect_right(times, ts) - 1
        best = self._found[instrument][at] if at >= 0 and times[at] == ts else None
        price = best[1 if sign > 0 else 0] if best is not None else 0.0
        return exact(price) if price else None


def touches_of(recorded: Recorded, *sides: Side) -> Touches:
    """The market at the moment of every fill of both sides."""
    wanted: dict[InstrumentId, set[int]] = {}
    for side in sides:
        for order in side.orders:
            wanted.setdefault(order.instrument, set()).update(it.ts for it in order.pieces)
    return Touches(recorded.market(), {i: sorted(times) for i, times in wanted.items()})
