"""Who follows what: the lists an event is delivered by, and the streams that were asked for."""

from tradectl.engine.runner import Runner, SeriesKey
from tradectl.engine.world import World
from tradectl.model.commands import Subscribe
from tradectl.model.instruments import InstrumentId
from tradectl.model.market_data import MarketKey

#: What a strategy can follow that no venue sends.
_OURS = frozenset({"predictions"})


class Following:
    """Lists of instances by what they asked for, always in the order of the configuration."""

    def __init__(self, world: World, runners: dict[str, Runner]) -> None:
        self._w = world
        self._runners = runners
        self.by_bars: dict[SeriesKey, list[Runner]] = {}
        #: Who follows quotes, trades, books or predictions of an instrument, for those who cannot wait for :meth:`of`.
        self.by_watch: dict[tuple[str, InstrumentId], list[Runner]] = {}
        self.subscribed: dict[MarketKey, None] = {}
        self._prices: dict[InstrumentId, tuple[MarketKey, MarketKey]] = {}

    def of_bars(self, key: SeriesKey) -> list[Runner]:
        """Who follows a series."""
        return self.by_bars.get(key, [])

    def of(self, kind: str, instrument: InstrumentId) -> list[Runner]:
        """Who follows quotes, trades, books or predictions of an instrument."""
        return self.by_watch.get((kind, instrument), [])

    def enlist(self, runner: Runner) -> None:
        """Into the lists; what it is in already stays."""
        for key in runner.series:
            self.by_bars[key] = self._ordered([*self.of_bars(key), runner])
        for watch in runner.watches:
            if watch.kind != "bars":
                of = (watch.kind, watch.instrument)
                self.by_watch[of] = self._ordered([*self.of(*of), runner])

    def _ordered(self, followers: list[Runner]) -> list[Runner]:
        return [r for r in self._runners.values() if r in followers]

    def delist(self, runner: Runner) -> None:
        """Out of every list."""
        for key in runner.series:
            self.by_bars[key] = [r for r in self.of_bars(key) if r is not runner]
        for of, followers in self.by_watch.items():
            self.by_watch[of] = [r for r in followers if r is not runner]

    def subscribe_for(self, runner: Runner) -> None:
        """What it asked for, and what the risk manager needs to judge its orders."""
        for watch in runner.watches:
            if watch.kind not in _OURS:
                self.subscribe(watch)
        for instrument in runner.symbols():
            self.follow(instrument)

    def follow(self, instrument: InstrumentId) -> None:
        """Ask for an instrument's prices: of what a strategy or a person trades, and of what is held."""
        keys = self._prices.get(instrument)
        if keys is None:
            keys = self._prices[instrument] = (MarketKey("ticker", instrument), MarketKey("quotes", instrument))
        if keys[0] not in self.subscribed or keys[1] not in self.subscribed:
            for key in keys:
                self.subscribe(key)

    def subscribe(self, key: MarketKey) -> None:
        """Ask for a stream, once."""
        if key not in self.subscribed:
            self.subscribed[key] = None
            self._w.emit(Subscribe(key))
