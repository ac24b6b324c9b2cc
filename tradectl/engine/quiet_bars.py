"""Candles that nothing waits for, one after the other in one loop: what ``apply`` would do with each, and nothing more.

Where a single instance follows the only instrument there is, no order is open and equity stays within the guard's
corridor, a candle feeds the indicators and calls ``on_bar``; nearly every candle of a backtest is such a one. The first
that is not, or whose callback asked for something, ends the loop.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from tradectl.engine.bar_series import BarSeries
from tradectl.engine.quiet import Quiet
from tradectl.engine.runner import Runner
from tradectl.model.commands import Command, StrategyStatus
from tradectl.model.events import BarClosed
from tradectl.model.instruments import InstrumentId
from tradectl.model.market_data import Bar

if TYPE_CHECKING:
    from tradectl.engine.trading_engine import TradingEngine

#: A candle as it closed: its number, end, low, high, close, volume, and the event.
Closing = tuple[int, int, float, float, float, float, BarClosed]


class Listener(Struct, frozen=True):
    """Who hears of the candles, and its parts that are asked of each."""

    runner: Runner
    series: BarSeries
    quiet: Quiet
    updates: tuple[Callable[[Bar], None], ...]


class Outcome(Struct, frozen=True):
    """``quiet``: the last candle that nothing came of. ``closing``: the one that ended the loop, ``None`` when there
    are no more; ``commands`` are what was decided on it, ``None`` when the engine was not told of it yet."""

    quiet: Closing | None
    closing: Closing | None
    commands: tuple[Command, ...] | None = None


class QuietBars:
    """The loop over the candles of one series."""

    def __init__(self, engine: "TradingEngine") -> None:
        self._e = engine
        #: The last one: a series belongs to one instance, its parts change with it.
        self._kept: Listener | None = None

    def follow(
        self, key: tuple[InstrumentId, str], told: Iterator[Closing], due: int, below: float, above: float
    ) -> Outcome:
        """Take candles of ``key`` until one ends at ``due`` or later, leaves what lies strictly between the prices
        ``below`` and ``above``, or needs more than this. Each is received at its end, and they come in order."""
        listener, marks = self._listener(key), self._e.guards.quiet_marks(key[0])
        if listener is None or marks is None:
            return Outcome(None, next(told, None))
        return self._loop(key[0], listener, marks, told, min(due, self._until()), below, above)

    def _listener(self, key: tuple[InstrumentId, str]) -> Listener | None:
        """The one instance that follows the series, if nothing else can come of a candle."""
        e, w = self._e, self._e.world
        if w.out or w.dirty_orders or w.deliveries or w.state_dirty or w.queue.waits or w.open.any:
            return None
        if e.protections.watched or e.protections.is_planned or e.stops.state.wanted or e.algorithms.is_busy:
            return None
        runners = e.host.following.by_bars.get(key, ())
        if len(runners) != 1 or runners[0].status is not StrategyStatus.ACTIVE or e.host.callbacks.is_watched:
            return None
        series = runners[0].series[key]
        if self._kept is not None and self._kept.series is series:
            return self._kept
        if series.quiet is None or key[0] not in w.market.quotes or key[0] not in w.market.tickers:
            return None
        self._kept = Listener(runners[0], series, series.quiet, series.updates)
        return self._kept

    def _until(self) -> int:
        """When the guard has more to look at."""
        return min(self._e.guards.quiet_until, self._e.timers.states_at)

    def _loop(
        self, instrument: InstrumentId, listener: Listener, marks: tuple[float, float, float],
        told: Iterator[Closing], until: int, below: float, above: float,
    ) -> Outcome:  # fmt: skip
        # One function, for a call costs as much as what a candle needs: see the module's docstring for what it does.
        w, runner, series, quiet = self._e.world, listener.runner, listener.series, listener.quiet
        lowest, highest, unmoved = marks
        on_bar, updates, intents = runner.strategy.on_bar, listener.updates, runner.intents
        bars, expected, length = w.market.bars, series.expected, series.length
        last: Closing | None = None
        taken = 0
        for closing in told:
            _, end, low, high, _, _, event = closing
            mark, bar = event.mark, event.bar
            if end >= until or low <= below or high >= above or not (lowest < mark < highest or mark == unmoved):
                break
            if bar.open_time != expected:
                break
            expected += length
            taken += 1
            w.now = end
            bars[instrument] = event
            series.last = bar
            series.count += 1
            for update in updates:
                update(bar)
            quiet.bars += 1
            quiet.last = bar.open_time
            failure = None
            try:
                on_bar(bar)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - a user's strategy may raise anything
                failure = error
            if intents or failure is not None or runner.flood:
                self._take_in(series, event, taken)
                self._e.host.callbacks.heard(runner, failure)
                return Outcome(last, closing, self._e.finished())
            last = closing
        else:
            closing = None
        if last is not None:
            self._take_in(series, last[-1], taken)
        return Outcome(last, closing)

    def _take_in(self, series: BarSeries, event: BarClosed, taken: int) -> None:
        """Count the candles up to ``event``."""
        w = self._e.world
        w.cause = w.seq = w.seq + taken
        w.event = event
        self._e.looked_at = event.received
        series.followed(event.bar)
