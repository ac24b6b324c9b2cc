"""Market time: when it is at the venue's market, which in a sandbox is not the time of its transport (decision 2)."""

from collections.abc import Callable, Mapping

from tradectl.exchange.bybit.rest import Rest
from tradectl.exchange.bybit.translate import MS
from tradectl.exchange.bybit.wire import BookMoment
from tradectl.exchange.retry_handler import ReadFailed
from tradectl.model.instruments import Instrument, InstrumentId


class MarketTime:
    """Asks a sandbox for its market's time; everywhere else market time is what ``stamp`` and answers say."""

    def __init__(
        self,
        rest: Rest,
        instruments: Callable[[], Mapping[InstrumentId, Instrument]],
        stamp: Callable[[int], int],
        *,
        own_clock: bool,
    ) -> None:
        self._rest = rest
        self._instruments = instruments
        self._stamp = stamp
        self.own_clock = own_clock

    async def now(self, instrument: InstrumentId | None = None) -> int:
        """A moment (nanoseconds) that the market has certainly reached."""
        asked = instrument or next(iter(self._instruments()), None)
        if not self.own_clock or asked is None:
            return self._stamp(0)
        try:
            book = await self._rest.read(
                "get_orderbook", BookMoment, category=asked.category.value, symbol=asked.symbol, limit=1
            )
        except ReadFailed:
            return self._stamp(0)
        return book.ts * MS
