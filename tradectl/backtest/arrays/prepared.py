"""From a job, its candles and a strategy's signals to the arrays a compiled run reads."""

from fractions import Fraction
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from tradectl.backtest.arrays import lines
from tradectl.backtest.arrays.bars import Bars
from tradectl.backtest.arrays.codes import ALWAYS, FLAT, LEAVE_LONG, LEAVE_SHORT, LONG, SHORT, SWITCH
from tradectl.backtest.arrays.rules import FINEST, needs_events, refuse, rules_of
from tradectl.backtest.job import BacktestJob
from tradectl.engine.parameters import validated
from tradectl.engine.strategy import Strategy
from tradectl.history.series import Candles, Points
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.instruments import Instrument
from tradectl.model.market_data import INTERVALS
from tradectl.performance.returns import DAY
from tradectl.strategies.signals import Declares, Entry, Signals

#: Of a mark to go long, to leave a long, to go short, to leave a short.
_CODES = tuple(map(np.uint8, (LONG, LEAVE_LONG, SHORT, LEAVE_SHORT)))
_ENTRIES = {Entry.ALWAYS: ALWAYS, Entry.SWITCH: SWITCH, Entry.FLAT: FLAT}
#: How many bars a look at a strategy's indicators takes.
_GLANCE = 2
#: Bytes of indicators kept for further runs.
MOST_KEPT = 512 * 2**20


class Inputs:
    """What every run of one job shares: candles up to its end, its days, its funding."""

    def __init__(
        self, job: BacktestJob, candles: Candles, instrument: Instrument, funding: Points | None, once: bool = False
    ) -> None:  # fmt: skip
        """``once``: there will be one run. Raises ``Problem`` when the job needs the event-driven run, and for a span
        without candles."""
        refuse(needs_events(job, instrument))
        self.job, self.instrument = job, instrument
        self.length = INTERVALS[job.interval]
        self.candles = cast(Candles, candles.between(-(1 << 62), job.until))
        self.first = int(np.searchsorted(self.candles.open_time, job.since))
        if self.first >= len(self.candles):
            raise Problem(
                ErrorCode.NOT_FOUND, f"there are no candles of {instrument.id} {job.interval} in the span",
                field="since", remedy="choose a span that tradectl data list shows",
            )  # fmt: skip
        times = self.candles.open_time
        self.days = _day_ends(times, self.length, self.first)
        # Days from the first bar's open to the last one's end in which no bar closed.
        last = int(times[-1]) + self.length - 1
        self.idle = last // DAY - int(times[self.first]) // DAY + 1 - len(self.days)
        self.funding = _funded(times, self.length, self.first, funding)
        self._refuse_dear_funding()
        self._once = once
        self._rules: dict[tuple[float, int, int], Any] = {}
        self._bars: dict[int, Bars] = {0: Bars(self.candles, once)}

    def _refuse_dear_funding(self) -> None:
        """The limit on what a position pays at the next funding is the live engine's alone."""
        limit, share = self.job.limits.funding_share, float(self.job.strategies[0].capital)
        rates = np.abs(self.funding[:, 1] / self.funding[:, 2]) if len(self.funding) else np.zeros(1)
        if limit and float(rates.max()) * share * 1.05 >= float(limit):
            refuse([f"funding of {rates.max():.4%} may pass funding_share"])

    def signals(self, cls: type[Strategy], params: dict[str, Any], room: NDArray[np.uint8] | None = None) -> "Asked":
        """What ``cls`` says with ``params``, its codes in ``room`` if there is one (for all candles, in eights).

        Raises ``Problem`` for parameters it refuses, or when it declares none.
        """
        if not hasattr(cls, "signals"):
            refuse([f"{cls.__name__} does not declare its signals as arrays"])
        p = SimpleNamespace(**validated(cls, params, self.job.strategies[0].name))
        refuse(self._not_this(p))
        declared = cast(Declares, cls)
        try:
            start = self._start(declared, p)
            bars = self._bars.get(start)
            if bars is None:
                bars = self._bars[start] = Bars(cast(Candles, self.candles.rows(start)), self._once)
            said = declared.signals(cast(Any, bars), p)
        except Problem:
            raise
        except ValueError as error:
            raise Problem(ErrorCode.INVALID_SETTING, f"{cls.__name__}: {error}", reason=str(error)) from error
        except Exception as error:
            refuse([f"signals of {cls.__name__} failed: {type(error).__name__}: {error}"])
            raise
        return Asked(self, said, start, room)

    @property
    def kept_bytes(self) -> int:
        """About how much memory the indicators take that further runs will find."""
        return sum(it.kept_lines * len(it.candles) * 8 for it in self._bars.values())

    def trim(self, most: int = MOST_KEPT) -> None:
        """Forget all indicators when they take more than ``most`` bytes: who needs one works it out again."""
        if self.kept_bytes > most:
            self._bars = {0: Bars(self.candles, self._once)}

    def rules(self, weight: float, entry: int, patience: int) -> Any:
        """What runs of this weight, way of entering and patience go by; all of them share it."""
        key = weight, entry, patience
        found = self._rules.get(key)
        if found is None:
            found = rules_of(self.job, self.instrument, exact(weight))
            found["entry"], found["patience"] = entry, patience
            self._rules[key] = found
        return found

    def _not_this(self, p: Any) -> list[str]:
        own = self.instrument.id
        wrong = []
        if getattr(p, "symbol", own.symbol) != own.symbol or p.category != own.category.value:
            wrong.append(f"the strategy trades {p.category}:{p.symbol}, the job's instrument is {own}")
        if getattr(p, "interval", self.job.interval) != self.job.interval:
            wrong.append(f"the strategy follows {p.interval} candles, the job is driven by {self.job.interval}")
        return wrong

    def _start(self, declared: Declares, p: Any) -> int:
        """The first candle the live engine would load: its indicators' lookback and one more before the span."""
        if not self.first:
            return 0
        glance = Bars(cast(Candles, self.candles.rows(0, _GLANCE)), once=True)
        declared.signals(cast(Any, glance), p)
        count = glance.lookback + 1
        times = self.candles.open_time
        asked_from = int(times[self.first]) - (count + 1) * self.length
        return max(0, self.first - count, int(np.searchsorted(times, asked_from)))


def exact(number: float) -> Fraction:
    """What was written: the shortest decimal that ``number`` is read from."""
    return Fraction(repr(number))


class Asked:
    """One set of signals, ready to be run."""

    def __init__(
        self, inputs: Inputs, signals: Signals, start: int, room: NDArray[np.uint8] | None = None
    ) -> None:  # fmt: skip
        self.inputs, self.start = inputs, start
        self.weight = abs(float(signals.weight))
        self.rules = inputs.rules(self.weight, _ENTRIES[signals.entry], signals.patience)
        if signals.long_stop is not None or signals.short_stop is not None:
            refuse(["its stops trade inside bars"])
        bars = len(inputs.candles) - start
        self.codes = np.empty((bars + 7) // 8 * 8, np.uint8) if room is None else room[: (bars + 7) // 8 * 8]
        _encode(signals, bars, self.codes)

    def arguments(self) -> tuple[Any, ...]:
        """What :func:`simulate` is called with, up to the arrays it fills."""
        own, start = self.inputs, self.start
        c = own.candles if not start else cast(Candles, own.candles.rows(start))
        days, funding = own.days, own.funding
        if start:
            days = days - start
            funding = funding - np.array([[start, 0, 0, 0]])
        return (
            self.rules, self.codes, c.open_time, c.open, c.high, c.low, c.close, own.first - start, days, funding,
        )  # fmt: skip


def _encode(signals: Signals, bars: int, codes: NDArray[np.uint8]) -> None:
    codes[:] = 0
    marks = (signals.long, signals.leave_long, signals.short, signals.leave_short)
    for code, flags in zip(_CODES, marks, strict=True):
        if flags is not None:
            told = np.asarray(flags, np.bool_)
            refuse([f"its signals are of {told.size} bars, not of {bars}"] if told.shape != (bars,) else [])
            lines.coded(told, code, codes)


def _day_ends(opens: NDArray[np.int64], length: int, first: int) -> NDArray[np.int64]:
    """The last bar of each UTC day; one that ends at midnight belongs to the day that is over."""
    begin, end = ((int(it) + length - 1) // DAY for it in (opens[first], opens[-1]))
    wanted = np.arange(begin + 1, end + 2) * DAY - length
    # Where no bar is missing each has its place; a search reads from all over the array. Only the last lies beyond.
    found = (wanted - opens[0]) // length
    found[-1] = len(opens) - 1
    if (found < len(opens)).all() and np.array_equal(opens[found[:-1]], wanted[:-1]):
        return cast(NDArray[np.int64], found)
    return np.unique(np.searchsorted(opens, wanted, "right") - 1)  # a day without a bar finds that of a day before


def _funded(
    opens: NDArray[np.int64], length: int, first: int, funding: Points | None
) -> NDArray[np.int64]:  # fmt: skip
    """Rows of the bar before each payment, its rate as a fraction, and whether it comes after the bar's decision."""
    rows = []
    if funding is not None:
        for ts, rate in zip(funding.ts.tolist(), funding.value.tolist(), strict=True):
            bar = int(np.searchsorted(opens, ts - length, "right")) - 1
            if bar < first or ts > opens[-1] + length:
                continue
            if bar + 1 < len(opens) and opens[bar + 1] < ts:
                refuse(["funding falls inside a bar"])
            share = exact(rate)
            if share.denominator > FINEST:
                refuse([f"a funding rate of {rate!r} has too many digits"])
            rows.append((bar, share.numerator, share.denominator, int(opens[bar] + length != ts)))
    return np.array(rows, np.int64).reshape(-1, 4)
