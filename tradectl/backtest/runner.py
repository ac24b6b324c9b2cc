"""History through the live engine and a simulated venue: ``run_backtest``. One event, its commands, their answers."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from tradectl.backtest.agenda import Agenda, Due
from tradectl.backtest.collector import Collector, sample_step
from tradectl.backtest.described import described
from tradectl.backtest.feed import LOOK_EVERY, CandleFeed, Row
from tradectl.backtest.job import BacktestJob, BacktestResult, Interim, Progress
from tradectl.backtest.longer_bars import LongerBars
from tradectl.backtest.marks import Marks
from tradectl.backtest.preparation import Prepared, prepare
from tradectl.backtest.settlements import settlements
from tradectl.backtest.singles import Singles
from tradectl.backtest.slots import Slot
from tradectl.backtest.warm_up import WarmUp
from tradectl.backtest.warnings import known_biases
from tradectl.engine.audience import NOBODY
from tradectl.engine.strategy import Strategy
from tradectl.engine.trading_engine import TradingEngine
from tradectl.history.reading import History
from tradectl.model.commands import (
    CancelOrder,
    CancelTimer,
    Command,
    LookUpOrder,
    Reconcile,
    RequestBars,
    RequestTickers,
    RiskApproved,
    SetTimer,
    Subscribe,
)
from tradectl.model.events import (
    BarClosed,
    ConnectionChanged,
    Event,
    Executed,
    InstrumentsLoaded,
    QuoteChanged,
    Started,
    TickerChanged,
    TimerFired,
    TradePrinted,
)
from tradectl.model.instruments import InstrumentId
from tradectl.model.market_data import Bar, Ticker
from tradectl.model.money import use_exact_context
from tradectl.model.orders import Side
from tradectl.simulation.path import corners, moments
from tradectl.simulation.venue import SimulatedVenue


class Backtest:
    """One run. Everything that happens goes through :meth:`_tell`, so nothing is re-entrant."""

    def __init__(self, job: BacktestJob, history: History, classes: Mapping[str, type[Strategy]]) -> None:
        self.job = job
        self._history = history
        self.p: Prepared = prepare(job, history, classes)
        audience = replace(NOBODY, decisions=job.keep_decisions)
        self.engine = TradingEngine(self.p.config, classes, audience)
        self.venue = self._make_venue()
        self.venue.terse = all(it.on_order is Strategy.on_order for it in classes.values())
        self.collector = Collector(self.engine, job.keep_decisions)
        self.agenda = Agenda()
        self.latency = job.models.latency
        self._warm_up = WarmUp(history, job.interval)
        self.slots = [Slot(it, self.venue) for it in job.instruments]
        self._slot_of = {slot.instrument: slot for slot in self.slots}
        self.marks = Marks(history, self.p.marks, job.instruments, job.since, job.until) if self.p.marks else None
        self._watches = 0
        self.share = 1.0
        self._step = sample_step(job.since, job.until, self.p.length)
        #: When equity is noted next; 0 before the first candle.
        self.sample_at = self.done = 0
        self._interim: Interim | None = None
        self._looks: list[int] = []
        self._events: deque[Event] = deque()
        self._busy = False
        self.apply = self.engine.apply
        self.now = job.since
        self._carry: dict[type, Callable[[Any], None]] = self._table()

    def _make_venue(self) -> SimulatedVenue:
        job = self.job
        venue = SimulatedVenue(
            self.p.instruments, job.models, cash={job.settle_coin: job.cash}, seed=job.seed, leverage=job.leverage,
            hedge=job.position_mode == "hedge", now=job.since,
        )  # fmt: skip
        venue.is_bounded = True
        return venue

    def _make_feed(self) -> Any:
        job = self.job
        return CandleFeed(
            self._history, job.instruments, job.interval, self.p.length, job.since, job.until, self._step
        )  # fmt: skip

    def _table(self) -> dict[type, Callable[[Any], None]]:
        asked = (RiskApproved, CancelOrder, LookUpOrder, Reconcile, RequestTickers)
        venue: dict[type, Callable[[Any], None]] = dict.fromkeys(asked, self._to_venue)
        own: dict[type, Callable[[Any], None]] = {
            SetTimer: lambda it: self.agenda.add(it.at, Due.TIMER, it.timer),
            CancelTimer: lambda it: None,  # the engine ignores one that fires nevertheless
            RequestBars: lambda it: self._events.append(self._warm_up.answer(it, self.now)),
            Subscribe: self._subscribe,
        }
        return {**venue, **own, **self.collector.handlers()}

    # --- the flow

    def _tell(self, event: Event) -> None:
        """One event to the engine, and all that follows from it at once."""
        if self._busy:
            self._events.append(event)
            return
        self._busy = True
        commands = self.apply(event)
        if commands or self._events:
            self._follow(commands)
        self._busy = False

    def answer(self, commands: tuple[Command, ...]) -> None:
        """What the engine said to a bar that went straight to it."""
        self._busy = True
        self._follow(commands)
        self._busy = False

    def _follow(self, commands: tuple[Command, ...]) -> None:
        events, carry = self._events, self._carry
        while True:
            for command in commands:
                handler = carry.get(type(command))
                if handler is not None:
                    handler(command)
            if not events:
                return
            commands = self.apply(events.popleft())

    def _to_venue(self, command: Any) -> None:
        delay = self.latency.order(self.now)
        if delay:
            self.agenda.add(self.now + delay, Due.ARRIVAL, command)
        else:
            self._said(self.venue.carry_out(command, self.now))

    def _said(self, events: list[Event]) -> None:
        """What the venue says is heard when it is heard, and in its order: what the first of it makes the strategies do
        is answered after the last."""
        for event in events:
            if type(event) is Executed:  # what is held is so from now on, whenever it is heard
                self._note_fill(event.execution.instrument)
            if event.received > self.now:
                self.agenda.add(event.received, Due.EVENT, event)
            else:
                self._events.append(event)
        if self._events and not self._busy:
            self.answer(())

    def _subscribe(self, command: Subscribe) -> None:
        key, slot = command.key, self._slot_of.get(command.key.instrument)
        if slot is None or key.kind != "bars" or key.detail == self.job.interval:
            return
        if all(it.interval != key.detail for it in slot.longer):
            past = self._warm_up.begun(slot.instrument, key.detail, self.now)
            slot.longer.append(LongerBars(key.detail, self.p.length, past))

    def _note_fill(self, instrument: InstrumentId) -> None:
        """What is held decides whether the way inside a bar must be watched."""
        slot = self._slot_of.get(instrument)
        if slot is not None:
            slot.look()
        self._forget_bounds()

    def _forget_bounds(self) -> None:
        """Cash or positions changed, or a price left its bounds: all are found anew when they are needed."""
        for slot in self.slots:
            slot.bounds = None
        self.share = 1.0 / max(1, sum(slot.held for slot in self.slots))

    def note_watches(self) -> None:
        following = self.engine.host.following
        if len(following.by_watch) != self._watches:
            self._watches = len(following.by_watch)
            for slot in self.slots:
                slot.follow(following)

    def until(self, at: int, last: Due = Due.TIMER) -> None:
        """Let come what is due up to ``at``; at that very moment nothing of a later kind than ``last``."""
        while self.agenda.next <= at:
            entry = self.agenda.pop(at, last)
            if entry is None:
                break
            when, due, what = entry
            self.now = max(self.now, when)
            if due == Due.TIMER:
                if self.engine.world.timers.get(what) == when:
                    self._tell(TimerFired(when, what, when))
            elif due == Due.ARRIVAL:
                self._said(self.venue.carry_out(what, self.now))
            elif due == Due.EVENT:
                self._events.append(what)
                self.answer(())
            else:
                self._fund(what, when)
        self.now = max(self.now, at)

    # --- running

    def run(
        self, progress: Callable[[Progress], None] | None, stop: Callable[[], bool] | None,
        interim: Interim | None = None,
    ) -> BacktestResult:  # fmt: skip
        """Everything from the first candle to the last, or until ``stop`` says so."""
        wall, cpu = time.monotonic(), time.process_time()
        feed = self._make_feed()
        done, interrupted = self._play(feed, progress, stop, interim)
        spent = time.monotonic() - wall, time.process_time() - cpu
        return self._result(feed, done, interrupted, spent)

    def _play(
        self, feed: CandleFeed, progress: Callable[[Progress], None] | None, stop: Callable[[], bool] | None,
        interim: Interim | None,
    ) -> tuple[int, bool]:  # fmt: skip
        self._interim, self._looks = interim, list(interim.moments) if interim is not None else []
        interrupted = False
        for at in self._moments(feed):
            if progress is not None:
                progress(Progress(at, self.done, self.p.candles))
            if stop is not None and stop():
                interrupted = True
                break
        self._finish()
        return self.done, interrupted

    def _finish(self) -> None:
        """The candles are over: what the venue did and said already is heard; what is asked for now comes too late."""
        if not self.sample_at:
            return  # there were none
        for kind in (RiskApproved, CancelOrder, LookUpOrder, Reconcile, RequestTickers):
            del self._carry[kind]
        for event in self.agenda.left(Due.EVENT):
            self._events.append(event)
            self.answer(())
        self.collector.sample(self.now)

    def _moments(self, feed: CandleFeed) -> Iterator[int]:
        """Play everything; now and then the open time it has come to."""
        singles = Singles(self)
        return singles.run(feed) if singles.are_possible() else self._groups(feed)

    def _groups(self, feed: CandleFeed) -> Iterator[int]:
        """Everything, moment by moment; now and then the open time it has come to."""
        looked = 0
        for at, rows in feed.groups():
            if not self.sample_at:
                self.begin(at, rows)
            self.done += len(rows)
            self.group(at, rows)
            looked += 1
            if looked == LOOK_EVERY:
                looked = 0
                yield at

    def sample(self, end: int) -> None:
        """Note equity at the end of the bars that reach its time, and let who wants to see what is so far."""
        self.sample_at = end // self._step * self._step + self._step
        self.collector.sample(end)
        if self._looks and self._interim is not None and end >= self._looks[0]:
            self._looks = [it for it in self._looks if it > end]
            self._interim.hear(self._so_far(self.done))

    # --- moments

    def begin(self, at: int, rows: list[tuple[int, Row]]) -> None:
        """The engine wakes up at the open of the first candle, with its prices."""
        self.now = at
        self._note_marks(at, rows)
        for place, row in rows:
            self.venue.stand(self.job.instruments[place], row[1], self.slots[place].mark_at(0))
        self.sample_at = at + self._step
        self._tell(Started(at, self.p.config.run))
        self._tell(InstrumentsLoaded(at, self.p.instruments, self.venue.fee_rates()))
        for place, row in rows:
            mark = self.slots[place].mark_at(0) or row[1]
            self._tell(TickerChanged(at, at, self.job.instruments[place], Ticker(row[1], mark, mark)))
        for stream in ("private", "trade", "public"):
            self._tell(ConnectionChanged(at, stream, True))
        for it in self.p.instruments:
            data = self.p.funding.get(it.id, ())
            for ts, rate in settlements(it, data, self.job.models.funding, self.job.since, self.job.until):
                self.agenda.add(ts, Due.FUNDING, (it.id, rate))
        self.collector.begin(at, self.job.cash)

    def group(self, at: int, rows: list[tuple[int, Row]]) -> None:
        """The bars that open at ``at``: their way, what is due meanwhile, and their close."""
        end, agenda = at + self.p.length, self.agenda
        if agenda.next <= at:
            self.until(at)
        self._note_marks(at, rows)
        if agenda.next < end or self._is_watching(rows):
            self._way(at, rows)
            self._forget_bounds()
        else:
            for place, row in rows:
                self.slots[place].rest(row[4], row[5])
        if agenda.next <= end:
            self.until(end, Due.EVENT)  # funding is settled before the strategies hear of the bar
        self.now = end
        self._close(end, rows)
        if agenda.next <= end:
            self.until(end)
        if end >= self.sample_at:
            self.sample(end)

    def _note_marks(self, at: int, rows: list[tuple[int, Row]]) -> None:
        if self.marks is not None:
            for place, _ in rows:
                self.slots[place].mark_bar = self.marks.at(place, at)

    def _is_watching(self, rows: list[tuple[int, Row]]) -> bool:
        """Whether anything can happen inside these bars."""
        self.note_watches()
        for place, row in rows:
            slot = self.slots[place]
            low, high = (row[3], row[2]) if slot.mark_bar is None else (slot.mark_bar[2], slot.mark_bar[1])
            if slot.is_watched() or (slot.held and slot.leaves_bounds(low, high, self.share)):
                return True
        return False

    def _way(self, at: int, rows: list[tuple[int, Row]]) -> None:
        """The bars' ways, corner by corner, all instruments together; what is due comes in between."""
        ways = []
        for place, row in rows:
            slot = self.slots[place]
            ways.append((slot, corners(self.job.models.path, row[1], row[2], row[3], row[4])))
            slot.low_first = ways[-1][1][1] == row[3]
            slot.display.volume = row[5]
        for corner, moment in enumerate(moments(at, self.p.length)):
            self.until(moment)
            for slot, prices in ways:
                mark = slot.mark_at(corner)
                if slot.held or slot.is_watched():
                    for events in self.venue.way(slot.instrument, prices[corner], moment, mark, jump=not corner):
                        self._said(events)  # what it makes the strategies do is done before the price goes on
                else:
                    self.venue.stand(slot.instrument, prices[corner], mark)
                if slot.followed:
                    self._show(slot.instrument, moment)

    def _show(self, instrument: InstrumentId, now: int) -> None:
        """Quotes and prints on the way, for strategies that follow them."""
        display = self.venue.displays[instrument]
        if self.engine.host.following.of("quotes", instrument):
            bid, ask = display.touch()
            self._hear(QuoteChanged(now, now, instrument, bid, 0.0, ask, 0.0))
        if self.engine.host.following.of("trades", instrument):
            self._hear(TradePrinted(now, now, instrument, Side.BUY, display.price, display.volume / 4, ""))

    def _hear(self, event: Event) -> None:
        delay = self.latency.market(event.received)
        if delay:
            self.agenda.add(event.received + delay, Due.EVENT, replace(event, received=event.received + delay))
        else:
            self._tell(event)

    def _close(self, end: int, rows: list[tuple[int, Row]]) -> None:
        """The bars are final: each with the touch and mark as it closed."""
        interval, heard = self.job.interval, end + self.latency.market(end)
        for place, row in rows:
            slot, bar = self.slots[place], Bar(*row)
            bid, ask = slot.display.touch()
            mark = slot.mark_at(3) or row[4]
            self._close_one(end, BarClosed(heard, end, slot.instrument, interval, bar, bid, ask, mark))
            for longer in slot.longer:
                for made in longer.add(bar):
                    self._close_one(end, BarClosed(heard, end, slot.instrument, longer.interval, made))

    def _close_one(self, end: int, event: BarClosed) -> None:
        if event.received > end:
            self.agenda.add(event.received, Due.EVENT, event)
        else:
            self._tell(event)

    def _fund(self, what: tuple[InstrumentId, Decimal], now: int) -> None:
        instrument, rate = what
        if self._slot_of[instrument].held:
            self._said(self.venue.settle(instrument, rate, now))
        display = self.venue.displays[instrument]
        price, (bid, ask) = display.price, display.touch()
        mark = display.mark or price
        self._hear(QuoteChanged(now, now, instrument, bid, 0.0, ask, 0.0))  # as of the same moment as the mark
        self._hear(TickerChanged(now, now, instrument, Ticker(price, mark, mark, 0.0, 0.0, float(rate))))

    # --- the end

    def _so_far(self, done: int) -> BacktestResult:
        """The run as it stands, without what only its end is worth: chart, fingerprint, warnings."""
        c, job = self.collector, self.job
        fills, whole, each = c.measured(job.cash, {it.name: it.capital for it in job.strategies})
        return BacktestResult(
            job=job, instruments=self.p.instruments, executions=c.executions.done(), fills=fills,
            orders=c.orders.done(), decisions=tuple(c.decisions), decided=self.engine.world.decision_seq,
            refused=dict(c.refused), samples=tuple(c.samples), prices={}, metrics=whole, per_strategy=each, warnings=(),
            models=job.models.describe(), data_fingerprint="", candles=done, ended=self.now, interrupted=True,
            stopped=dict(c.stopped), code=self.p.code,
        )  # fmt: skip

    def _result(self, feed: CandleFeed, done: int, interrupted: bool, spent: tuple[float, float]) -> BacktestResult:
        self.collector.finish(self.now)
        names = [str(it) for it in self.job.instruments]
        missing = {name: count for name, count in zip(names, feed.missing, strict=True) if count}
        return replace(
            self._so_far(done), models=described(self.p),
            prices={name: tuple(it.bars) for name, it in zip(names, feed.charts, strict=True)},
            warnings=known_biases(self.p, self.collector, missing), data_fingerprint=self.p.fingerprint(),
            interrupted=interrupted, missing=missing, wall_seconds=spent[0], cpu_seconds=spent[1],
        )  # fmt: skip


def run_backtest(
    job: BacktestJob, history: History, classes: Mapping[str, type[Strategy]],
    progress: Callable[[Progress], None] | None = None, stop: Callable[[], bool] | None = None,
    interim: Interim | None = None,
) -> BacktestResult:  # fmt: skip
    """Run ``job`` over ``history``; ``classes`` by the names the strategy configurations use.

    ``stop`` is asked now and then; then the result is what was so far. ``interim`` sees it under way. Raises
    ``Problem`` when the job cannot be done with this history: no candles, an interval they cannot give, a parameter
    that is wrong.
    """
    use_exact_context()
    if job.data != "candles":
        from tradectl.backtest.ticks import TickBacktest
        from tradectl.history.traded_candles import TradedCandles

        history = TradedCandles(history, job.since, job.until)
        return TickBacktest(job, history, classes).run(progress, stop, interim)
    return Backtest(job, history, classes).run(progress, stop, interim)
