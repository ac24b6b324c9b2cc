"""The recorded run once more as a backtest: the same events from outside, a simulated venue instead of the real one."""

from collections import deque
from collections.abc import Callable, Iterator
from decimal import Decimal
from heapq import heappop, heappush, merge
from typing import Any

from msgspec.structs import replace

from tradectl.backtest.ledger import Ledger
from tradectl.backtest.parity.opening import take_over
from tradectl.backtest.parity.past import Past
from tradectl.backtest.parity.recorded_venue import RecordedVenue
from tradectl.backtest.recorded import MARKET, Market, Recorded
from tradectl.engine.trading_engine import TradingEngine
from tradectl.matching.views import AccountFees
from tradectl.model import events as ev
from tradectl.model.commands import CancelOrder, Command, LookUpOrder, Reconcile, RequestBars, RiskApproved, SetTimer
from tradectl.model.events import ConnectionChanged, Event, Started, StopRequested, TimerFired
from tradectl.model.instruments import Category
from tradectl.model.money import use_exact_context
from tradectl.simulation.models import Models, TierFees
from tradectl.simulation.venue import UID

#: What comes from outside and would have come in a backtest too: people's requests, models' words, reference data.
OUTSIDE = (
    ev.HaltRequested, ev.ResumeRequested, ev.OrderRequested, ev.AmendRequested, ev.CancelRequested, ev.CloseRequested,
    ev.AdoptRequested, ev.StrategySwitched, ev.ReconcileRequested, ev.WatchRequested, ev.AlgorithmRequested,
    ev.AlgorithmCancelRequested, ev.ProtectRequested, ev.LimitsSet, ev.RiskResetRequested, ev.ParametersSet,
    ev.RebalanceRequested, ev.TickersLoaded, ev.PredictionMade, ev.InstrumentsLoaded,
)  # fmt: skip
_VENUE = (RiskApproved, CancelOrder, LookUpOrder, Reconcile)
#: Market data is heard this much later than it happens at most (nanoseconds); what comes later is a timer's doing.
LAG = 10**9
#: An event and the entry it stood in.
Heard = tuple[int, Event]


class Again:
    """One backtest of a recorded run. No latency, the fees the venue stated, the record's own quotes: what reality did
    otherwise is what the comparison is about. Restarts and lost connections do not happen here."""

    def __init__(self, recorded: Recorded) -> None:
        """Raises ``Problem`` when market data was pruned or the run never began to trade."""
        recorded.refuse_pruned()
        self._recorded, facts = recorded, recorded.facts
        self._facts = facts
        self._chapters = list(recorded.chapters)
        first = self._chapters.pop(0)
        self.engine = TradingEngine(first.config, first.classes)
        self.ledger = Ledger()
        self.models = Models(fees=_fees(recorded))
        self.venue = RecordedVenue(
            facts.instruments.values(), self.models, facts.settlements, leverage=facts.leverage or Decimal(10),
            hedge=first.config.position_mode == "hedge", now=facts.opened,
        )  # fmt: skip
        start = facts.start
        if start is not None:
            take_over(self.venue.venue.exchange, UID, start.balances, start.positions, facts.opened)
        self._past = Past(recorded)
        self._timers: list[tuple[int, str]] = []
        self._events: deque[Event] = deque()
        self._now = facts.began
        self._up: set[str] = set()
        self._busy = False

    def run(self, progress: Callable[[int], None] = lambda seq: None) -> Ledger:
        """All of it; what the engine said."""
        use_exact_context()
        moment: list[Market] = []
        for seq, event in self.heard():
            if self._chapters and seq > self._chapters[0].after:
                self._moment(moment)
                self._chapter(seq)
            if isinstance(event, MARKET):
                if moment and event.ts != moment[0].ts:
                    self._moment(moment)
                moment.append(event)
            elif self._is_told(event, seq):
                self._moment(moment)
                self._until(event.received)
                self._tell(event)
            if seq % 10_000 == 0:
                progress(seq)
        self._moment(moment)
        return self.ledger

    # --- what is heard

    def heard(self) -> Iterator[Heard]:
        """The record, with the candles an interruption kept away where they closed: by our clock not after what
        follows, for the venue's may run faster."""
        missed = [(it.ts, 0, 0, it) for it in self._facts.missed]
        waiting: list[Event] = []
        for _, kind, seq, event in merge(self._stream(), missed, key=lambda it: it[:2]):
            if not kind:
                waiting.append(event)
                continue
            for each in waiting:
                yield 0, replace(each, received=min(each.received, event.received))
            waiting.clear()
            yield seq, event
        yield from ((0, each) for each in waiting)

    def _stream(self) -> Iterator[tuple[int, int, int, Event]]:
        """By the venue's time, which never falls, so that missed candles find their place."""
        at = 0
        for entry in self._recorded.entries():
            if isinstance(entry.event, MARKET):
                at = max(at, entry.event.ts)
            yield at, 1, entry.seq, entry.event

    def _chapter(self, seq: int) -> None:
        """Another configuration or other code from here on."""
        while self._chapters and seq > self._chapters[0].after:
            chapter = self._chapters.pop(0)
            fresh = TradingEngine(chapter.config, chapter.classes)
            fresh.restore(self.engine.checkpoint())
            self.engine = fresh

    def _moment(self, moment: list[Market]) -> None:
        """Market data of one moment: first what it does at the venue, then what the strategies make of it."""
        if not moment:
            return
        heard, moment[:] = list(moment), []
        self._until(heard[0].received)
        for event in self.venue.hear(heard):
            self._tell(self._now_heard(event))
        for event in heard:
            self._until(event.received)
            self._tell(event)

    def _is_told(self, event: Event, seq: int) -> bool:
        """Whether the engine hears of it this time, too: of one start, of each stream once, and of the last stop."""
        if isinstance(event, Started):
            return not self.engine.seq
        if isinstance(event, ConnectionChanged):
            is_new = event.up and event.stream not in self._up
            if event.up:
                self._up.add(event.stream)
            return is_new
        if isinstance(event, StopRequested):
            return seq > self._facts.last_started
        return isinstance(event, OUTSIDE)

    # --- the flow

    def _until(self, at: int) -> None:
        """Let the timers fire that are due before ``at``."""
        while self._timers and self._timers[0][0] <= at:
            when, name = heappop(self._timers)
            if self.engine.world.timers.get(name) == when:
                self._tell(TimerFired(when, name, when))

    def _tell(self, event: Event) -> None:
        """One event to the engine, and all that follows from it at once."""
        self._events.append(event)
        if self._busy:
            return
        self._busy = True
        while self._events:
            event = self._events.popleft()
            if event.received < self._now:
                event = replace(event, received=self._now)
            self._now = event.received
            commands = self.engine.apply(event)
            self.ledger.take(commands)
            for command in commands:
                self._carry_out(command)
        self._busy = False

    def _carry_out(self, command: Command) -> None:
        if isinstance(command, SetTimer):
            heappush(self._timers, (command.at, command.timer))
        elif isinstance(command, RequestBars):
            self._events.append(self._now_heard(self._past.answer(command, self.venue.now)))
        elif isinstance(command, _VENUE):
            said = self.venue.venue.carry_out(command, self._venue_time())
            self._events.extend(self._now_heard(it) for it in said)

    def _now_heard(self, event: Event) -> Event:
        """What the venue says is heard at once, by our clock: the venue's may be another one."""
        return replace(event, received=self._now)

    def _venue_time(self) -> int:
        """That of the newest market data, unless the clock has gone on since."""
        return self.venue.now if self._now - self.venue.now < LAG else self._now


def _fees(recorded: Recorded) -> TierFees:
    """The rates the venue stated, by product family."""
    rates = AccountFees()
    for it in recorded.facts.fees.values():
        if it.instrument.category is Category.SPOT:
            rates = replace(rates, spot_maker=it.maker, spot_taker=it.taker)
        else:
            rates = replace(rates, linear_maker=it.maker, linear_taker=it.taker)
    return TierFees(rates, "as the venue stated")


def again(recorded: Recorded, progress: Callable[[int], None] = lambda seq: None) -> tuple[Ledger, Any]:
    """What a backtest of ``recorded`` says, and the models it used. Raises ``Problem``."""
    run = Again(recorded)
    return run.run(progress), run.models


__all__ = ["OUTSIDE", "Again", "again"]
