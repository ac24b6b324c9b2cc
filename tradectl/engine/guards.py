"""Standing watch: latched limits, stale markets, account, clock and journal; and the regular marks of equity."""

from tradectl.engine.calm import Calm
from tradectl.engine.guard_state import GuardState
from tradectl.engine.latches import Latches
from tradectl.engine.trading_state import AUTO, PERSON
from tradectl.engine.world import World
from tradectl.model.commands import AlertLevel, EquityMarked, Level
from tradectl.model.events import AccountChecked, ClockChecked, JournalChecked
from tradectl.model.instruments import InstrumentId

_SECOND = 10**9
GUARD_TIMER, EQUITY_TIMER = "guard", "equity"


class Guards:
    """Compares equity with its limits; a limit that was reached is lifted by a person alone."""

    def __init__(self, world: World) -> None:
        self._w = world
        self.latches = Latches(world)
        self.calm = Calm(world)
        #: Until then no instrument can be late; known where the guard looks with the candles.
        self._fresh_until = 0

    @property
    def state(self) -> GuardState:
        """What loss limits are measured from."""
        return self._w.guard

    def start(self) -> None:
        """Begin to watch."""
        self.mark()
        self.watch()

    def watch(self) -> None:
        """Check limits and ages, and ask to be woken again."""
        self.look()
        w, every = self._w, self._w.config.guard_every_s
        if every:
            w.set_timer(GUARD_TIMER, w.now + every * _SECOND)

    def look(self) -> None:
        """Check limits and ages."""
        if self._w.portfolio.state.baselined:
            self._check_equity()
        self._check_ages()

    def closed(self) -> None:
        """:meth:`look` where candles closed: nearly always it would find nothing."""
        w = self._w
        if w.now > self._fresh_until or w.state.reasons or not self.calm.holds():
            self.look()
            limit = w.limits.account.stale_quote_seconds * _SECOND
            self._fresh_until = w.market.oldest() + limit  # what is heard of later is late later

    def quiet_marks(self, instrument: InstrumentId) -> tuple[float, float, float] | None:
        """Marks of ``instrument`` strictly between which, or at the third of which, :meth:`closed` finds nothing until
        :attr:`quiet_until`; ``None`` when it must look. With one instrument nobody is silent while its candles come."""
        w = self._w
        if w.config.guard_every_s or w.state.reasons or len(w.market.heard) != 1:
            return None
        return self.calm.marks(instrument)

    @property
    def quiet_until(self) -> int:
        """When limits are measured from a new start."""
        return self.calm.until

    def _check_equity(self) -> None:
        if self._w.state.reasons:  # each pause is one of them
            self.latches.end_pauses()
        if self.calm.holds():
            return
        self.latches.look_at_positions()
        value = self._w.valuation.account()
        if not value.unpriced:  # a figure with a hole in it proves nothing
            self.latches.look(value)
            self.calm.note()

    def _check_ages(self) -> None:
        w = self._w
        limit = w.limits.account.stale_quote_seconds * _SECOND
        if not w.state.reasons and w.now - w.market.oldest() <= limit:
            return  # the usual case: nobody is late, and there is nothing to lift
        for instrument in w.market.heard:
            age = w.market.age(instrument, w.now) or 0
            scope, code = f"symbol:{instrument.symbol}", f"stale:{instrument.category.value}"
            if age <= limit:
                w.relax(code, scope)
            elif not w.state.has(code, scope):
                text = f"there was no price of {instrument} for {limit // _SECOND} s"
                w.restrict(code, Level.REDUCING, AUTO, text, scope)

    def account_checked(self, event: AccountChecked) -> None:
        """The account is (not) configured as the settings say."""
        w = self._w
        if not event.problems:
            w.relax("account")
        elif w.restrict("account", Level.REDUCING, AUTO, "; ".join(event.problems)):
            for problem in event.problems:
                w.alert(AlertLevel.CRITICAL, "account", problem, "correct it at the exchange or in the settings")

    def clock_checked(self, event: ClockChecked) -> None:
        """Our clock would (not) let orders be accepted."""
        if event.ok:
            self._w.relax("clock")
        else:
            text = f"our clock is {event.offset / 1e9:+.3f} s from the venue's"
            self._w.restrict("clock", Level.REDUCING, AUTO, text)

    def journal_checked(self, event: JournalChecked) -> None:
        """The journal can (not) be written: while it lasts, not even a person lifts the halt, afterwards only one."""
        w = self._w
        if event.ok:
            w.relax("journal")
            return
        text = f"the journal cannot be written: {event.reason}"
        if w.restrict("journal", Level.HALTED, AUTO, text):
            w.restrict("journal_failed", Level.HALTED, PERSON, "trading stopped when the journal failed")
            w.alert(AlertLevel.CRITICAL, "journal", text, "free disk space, then: tradectl resume")

    def mark(self) -> None:
        """Publish equity of the account and of each strategy."""
        w = self._w
        if w.portfolio.state.baselined and w.audience.equity:
            total = w.valuation.account()
            w.emit(EquityMarked(w.now, "", total.equity, total.cash, total.unrealised))
            for name in w.portfolio.state.books:
                own = w.valuation.strategy(name)
                w.emit(EquityMarked(w.now, name, own.equity, own.cash, own.unrealised))
        w.set_timer(EQUITY_TIMER, w.now + w.config.equity_every_s * _SECOND)
