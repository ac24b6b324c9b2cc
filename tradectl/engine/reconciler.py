"""Reconciliation: subscribe, read, merge. Until books and venue agree, nothing but cancels may leave (decision 12)."""

from tradectl.engine.fills import Fills
from tradectl.engine.known_orders import KnownOrders
from tradectl.engine.order_answers import LOOK_AGAIN, WALL, OrderAnswers
from tradectl.engine.statements import disagreements, is_off
from tradectl.engine.trading_state import AUTO, PERSON
from tradectl.engine.world import World
from tradectl.model.commands import AlertLevel, LedgerBooked, Level, Reconcile
from tradectl.model.events import BalancesReported, ConnectionChanged, PositionsReported, Reconciled
from tradectl.model.orders import OrderStatus

#: Executions are read again from this long before the last one known (nanoseconds).
MARGIN = 60 * 10**9
#: A difference is read again this often before it is believed: a fill may lie between two reads.
ATTEMPTS = 4
TIMER = f"{WALL}reconcile"
REASON = "unreconciled"


class Reconciler:
    """Asks for the venue's truth, merges it, and decides whether the books agree."""

    def __init__(self, world: World, answers: OrderAnswers, known: KnownOrders, fills: Fills) -> None:
        self._w = world
        self._known = known
        self._fills = fills
        self._answers = answers
        self.attempts = 0
        self.asked = False
        self.asked_at = 0
        #: Answers still to come to questions that were asked again meanwhile: what they say may be too old.
        self.overtaken = 0
        #: Orders that had left when the question was asked: the answer must account for each of them.
        self.sent_before: list[str] = []

    def doubt(self, text: str) -> None:
        """From now on the books may be wrong: hold everything until they were compared."""
        self._w.unreconciled = True
        self._w.restrict(REASON, Level.HALTED, AUTO, text)

    def ask(self, reason: str) -> None:
        """Read everything since shortly before the last execution, or since an order was made that is over and whose
        executions are not all here; one question at a time."""
        if self.asked:
            return
        self.asked, self.asked_at = True, self._w.now
        self.sent_before = [o.link_id for o in self._w.open_orders() if o.status is not OrderStatus.QUEUED]
        missing = (order.created for order in self._w.open_orders() if not order.is_open)
        first = min((self._w.portfolio.state.last_execution, *missing))
        self._w.emit(Reconcile(max(first - MARGIN, 0), reason))

    def connection(self, event: ConnectionChanged) -> None:
        """A stream went away or came back."""
        code = f"stream:{event.stream}"
        if event.up:
            self._w.relax(code)
        else:
            self._w.restrict(code, Level.REDUCING, AUTO, f"the {event.stream} stream is down: {event.reason}")
        if event.stream in ("private", "trade"):
            if not event.up:
                self.doubt(f"the {event.stream} stream was lost")
            elif self._all_up():
                self.overtaken += self.asked
                self.asked = False
                self.ask(f"the {event.stream} stream is up")

    def _all_up(self) -> bool:
        return not any(f"stream:{s}|" in self._w.state.reasons for s in ("private", "trade"))

    def reconciled(self, event: Reconciled) -> None:
        """Merge the venue's truth and compare."""
        w = self._w
        if self.overtaken and event.started < self.asked_at:
            self.overtaken -= 1
            return
        self.asked = False
        if event.error:
            w.restrict(REASON, Level.HALTED, AUTO, f"reconciliation failed: {event.error}")
            w.set_timer(TIMER, w.now + LOOK_AGAIN)
            return
        if not w.portfolio.state.baselined:
            self._baseline(event)
        self._merge(event)
        self._look_up_missing(event)
        wrong = disagreements(w.portfolio, event.balances, event.positions, w.config.tolerance)
        if wrong:
            self._disagree(wrong)
        else:
            self.attempts = 0
        self.settle()

    def _baseline(self, event: Reconciled) -> None:
        w = self._w
        ours = [e for e in event.executions if self._known.owner(e.link_id) is not None]
        if ours:  # a run that lost its journal must not count its own past as somebody else's
            w.alert(AlertLevel.WARNING, "baseline", f"{len(ours)} executions of this run are older than its books")
        w.portfolio.baseline(event.balances, event.positions, event.executions, event.ledger)
        w.dirty_coins.update(dict.fromkeys(w.portfolio.state.cash))
        for report in event.positions:
            if report.size:
                w.dirty_books[("external", report.instrument)] = None
                w.dirty_books[("", report.instrument)] = None

    def _merge(self, event: Reconciled) -> None:
        for execution in sorted(event.executions, key=lambda e: (e.ts, e.exec_id)):
            self._fills.executed(execution)
        for report in event.reports:
            self._answers.reported(report)
        self._fills.settle_all()
        for row in event.ledger:
            if self._w.portfolio.ledger(row):
                self._w.dirty_coins[row.coin] = None
                self._w.emit(LedgerBooked(self._w.now, row.id, row.type, row.coin, row.change, row.ts))
                text = f"{row.type} of {row.change} {row.coin}"
                self._w.alert(AlertLevel.INFO, "transfer", text)

    def _look_up_missing(self, event: Reconciled) -> None:
        stated = {i for r in event.reports for i in (r.link_id, r.order_id) if i}  # not every order has both
        for order in self._w.open_orders():
            waiting = f"{WALL}look:{order.link_id}" in self._w.timers
            told = order.link_id in stated or order.order_id in stated
            if not order.is_open or order.link_id not in self.sent_before or waiting:
                continue
            if told:
                self._answers.insist(order)
            else:
                self._answers.look_up(order)

    def _disagree(self, wrong: list[str]) -> None:
        w = self._w
        self.attempts += 1
        text = "; ".join(wrong[:4])
        if self.attempts < ATTEMPTS:
            w.restrict(REASON, Level.HALTED, AUTO, f"books and venue differ: {text}")
            w.set_timer(TIMER, w.now + LOOK_AGAIN // 2)
            w.unreconciled = True
            return
        self.attempts = 0
        if w.restrict("mismatch", Level.REDUCING, PERSON, text):
            remedy = "compare with the exchange; then: tradectl reconcile, tradectl resume"
            w.alert(AlertLevel.CRITICAL, "mismatch", f"books and venue differ: {text}", remedy)

    def settle(self) -> None:
        """Trading may go on once nothing is being asked, looked up or compared again."""
        w = self._w
        if self.asked or not w.portfolio.state.baselined or not self._all_up() or TIMER in w.timers:
            return
        if any(o.status is OrderStatus.UNKNOWN for o in w.open_orders()):
            w.restrict(REASON, Level.HALTED, AUTO, "orders without an answer are being looked up")
            return
        w.unreconciled = False
        w.relax(REASON)

    # --- assertions of the streams: compared when quiet, never copied

    def audit(self, balances: BalancesReported | None, positions: PositionsReported | None) -> None:
        """Compare the last statements of the streams with the books; a difference asks for the whole truth."""
        if self._w.unreconciled or self.asked:
            return
        last = self._w.portfolio.state.last_execution
        fresh_b = balances.balances if balances is not None and balances.ts > last else ()
        fresh_p = positions.positions if positions is not None and positions.ts > last else ()
        if not fresh_b and not fresh_p:
            return
        if is_off(self._w.portfolio, fresh_b, fresh_p, self._w.config.tolerance):
            self.ask("a stream's statement differs from the books")
