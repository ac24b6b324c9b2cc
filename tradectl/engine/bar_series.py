"""A strategy's bars of one instrument and interval: warm-up, gaps, and the indicators over them.

Each candle is consumed once, as warm-up or live; live bars wait while history is being loaded and merge by open time;
bars missed while away arrive marked late (decision 15).
"""

from collections.abc import Callable
from enum import Enum
from typing import TypeVar

from msgspec import Struct

from tradectl.engine.indicators import Indicator
from tradectl.engine.quiet import Quiet
from tradectl.engine.series_indicators import SeriesIndicators
from tradectl.model.instruments import InstrumentId
from tradectl.model.market_data import INTERVALS, Bar

_I = TypeVar("_I", bound=Indicator)


class Phase(str, Enum):
    """WARMING waits for history; CATCHING_UP waits for bars missed while away; LIVE."""

    WARMING = "warming"
    CATCHING_UP = "catching_up"
    LIVE = "live"


class SeriesState(Struct, array_like=True):
    """A :class:`BarSeries` written down."""

    phase: Phase
    last_open: int
    count: int
    last: Bar | None
    waiting: list[Bar]
    indicators: list[list[float]]
    asked: int = 0


class BarSeries(SeriesIndicators):
    """What ``Strategy.subscribe_bars`` returns: indicators are asked of it, and it is fed by the engine alone."""

    def __init__(self, instrument: InstrumentId, interval: str) -> None:
        self.instrument = instrument
        self.interval = interval
        self.key = (instrument, interval)
        self.length = INTERVALS[interval]
        self.last: Bar | None = None
        self.count = 0
        #: How long the strategy has been quiet on it; its runner keeps the same record.
        self.quiet: Quiet | None = None
        #: Open time of the bar that simply comes next, -1 while history is awaited.
        self.expected = -1
        self._phase = Phase.WARMING
        #: Answers with history that are on their way: it is asked for once, however often a stream comes back.
        self.asked = 0
        self._last_open = 0
        self._waiting: list[Bar] = []
        self._indicators: list[Indicator] = []
        self._sealed = False

    # --- for strategies

    def keep(self, indicator: _I) -> _I:
        """Feed an indicator of your own with this series' bars. Raises ``RuntimeError`` outside ``on_start``."""
        if self._sealed:
            raise RuntimeError("indicators are asked for in on_start, where their warm-up can be loaded")
        self._indicators.append(indicator)
        return indicator

    def inputs(self) -> tuple[tuple[str, float], ...]:
        """Every indicator line with its label and value now, for the record of a decision."""
        return tuple((label, line.value) for i in self._indicators for label, line in i.outputs())

    @property
    def phase(self) -> Phase:
        return self._phase

    @property
    def lookback(self) -> int:
        """Bars of history the indicators need."""
        return max((i.lookback for i in self._indicators), default=0)

    # --- for the engine

    def seal(self) -> None:
        """``on_start`` is over: the indicators are known, and after a restart they will be the same."""
        self._sealed = True

    def next_open(self) -> int:
        """Open time of the first bar not seen yet, 0 before any."""
        return self._last_open + self.length if self._last_open else 0

    def await_history(self) -> None:
        """Bars wait from now on until :meth:`loaded`; a series that was live catches up."""
        self.asked = 0
        self._enter(Phase.CATCHING_UP if self._last_open else Phase.WARMING)

    def _enter(self, phase: Phase) -> None:
        self._phase = phase
        self.expected = self._last_open + self.length if phase is Phase.LIVE else -1

    def follow(self, bar: Bar) -> None:
        """Feed the bar that was expected: nearly every bar is."""
        self._last_open = opened = bar.open_time
        self.expected = opened + self.length
        self.last = bar
        self.count += 1
        for indicator in self._indicators:
            indicator.update(bar)

    @property
    def updates(self) -> tuple[Callable[[Bar], None], ...]:
        """What :meth:`follow` feeds, for whoever feeds it without."""
        return tuple([indicator.update for indicator in self._indicators])

    def followed(self, bar: Bar) -> None:
        """The bars up to this one, each the expected one, are taken in: :attr:`last`, :attr:`count`, indicators."""
        self._last_open = bar.open_time
        self.expected = bar.open_time + self.length

    def live(self, bar: Bar) -> list[Bar] | None:
        """A bar from the stream: the bars to deliver now, or ``None`` when history must be loaded first."""
        if bar.open_time <= self._last_open:
            return []
        if self._phase is not Phase.LIVE:
            if all(bar.open_time != w.open_time for w in self._waiting):
                self._waiting.append(bar)
            return []
        if self._last_open and bar.open_time > self._last_open + self.length:
            self._waiting.append(bar)
            self._enter(Phase.CATCHING_UP)
            return None
        return [bar]

    def reaches_back(self, bars: tuple[Bar, ...]) -> bool:
        """Whether an answer holds all that is needed: the warm-up, or everything since the last bar seen."""
        if self._phase is Phase.WARMING:
            return len(bars) > self.lookback
        return bool(bars) and bars[0].open_time <= self.next_open()

    def loaded(self, bars: tuple[Bar, ...]) -> list[Bar]:
        """History arrived: warm-up bars feed the indicators, missed ones are returned late, then what waited."""
        fresh = {b.open_time: b for b in bars if b.open_time > self._last_open}
        deliver: list[Bar] = []
        if self._phase is Phase.WARMING:
            waiting = {w.open_time for w in self._waiting}
            for open_time in sorted(fresh):
                if open_time not in waiting:
                    self.consume(fresh[open_time])
        else:
            live = {w.open_time for w in self._waiting}
            deliver = [_late(fresh[t]) for t in sorted(fresh) if t not in live]
        waited = [w for w in sorted(self._waiting, key=lambda w: w.open_time) if w.open_time > self._last_open]
        self._waiting = []
        self._enter(Phase.LIVE)
        return sorted(deliver + waited, key=lambda b: b.open_time)

    def consume(self, bar: Bar) -> bool:
        """Feed one bar to the indicators; whether it was new."""
        if bar.open_time <= self._last_open:
            return False
        self.follow(bar)
        self._enter(self._phase)
        return True

    def state(self) -> SeriesState:
        """Everything :meth:`restore` needs."""
        states = [i.state() for i in self._indicators]
        waiting = list(self._waiting)
        return SeriesState(self._phase, self._last_open, self.count, self.last, waiting, states, self.asked)

    def restore(self, state: SeriesState) -> None:
        """Continue where :meth:`state` was taken; the same indicators were asked for again before, in order."""
        self._phase, self._last_open, self.count, self.last = state.phase, state.last_open, state.count, state.last
        self._waiting, self.asked = list(state.waiting), state.asked
        self._enter(self._phase)
        for indicator, saved in zip(self._indicators, state.indicators, strict=True):
            indicator.restore(saved)


def _late(bar: Bar) -> Bar:
    return Bar(bar.open_time, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.turnover, True)
