"""What the venue says, handed to the parts it concerns, in the order that matters."""

from typing import TYPE_CHECKING

from tradectl.engine.order_answers import NOTHING_TO_REDUCE
from tradectl.engine.rate_windows import group_named
from tradectl.model.events import (
    Action,
    BalancesReported,
    ConnectionChanged,
    InstrumentsLoaded,
    OrderAnswered,
    OrderLookedUp,
    OrderReported,
    PositionsReported,
    RateLimitReported,
    Reconciled,
    Source,
)

if TYPE_CHECKING:
    from tradectl.engine.trading_engine import TradingEngine


class VenueEvents:
    """Handlers of the venue's events. Its last statements are part of the checkpoint."""

    def __init__(self, engine: "TradingEngine") -> None:
        self._e = engine
        self.balances: BalancesReported | None = None
        self.positions: PositionsReported | None = None

    def answered(self, event: OrderAnswered) -> None:
        """One request about an order was answered."""
        self._e.answers.answered(event)
        if event.code == NOTHING_TO_REDUCE and event.action is Action.CREATE:
            self._e.reconciler.ask("the venue holds nothing that an order could reduce")
        self.hold_for_unknown()

    def hold_for_unknown(self) -> None:
        """An order without an answer holds everything until it was looked up: two doubts must not meet."""
        if self._e.world.open.unknown_count:
            self._e.reconciler.doubt("an order has no answer and is being looked up")

    def reported(self, event: OrderReported) -> None:
        """The state of one order."""
        self._e.answers.reported(event.report, event.source is Source.STREAM)
        if self._e.world.unreconciled:
            self._e.reconciler.settle()

    def looked_up(self, event: OrderLookedUp) -> None:
        """Everything the venue knows of one order."""
        self._e.answers.looked_up(event)
        self._e.reconciler.settle()

    def reconciled(self, event: Reconciled) -> None:
        """The whole truth, or why it could not be read."""
        first = not self._e.world.portfolio.state.baselined
        if not event.error:
            self._e.guards.latches.positions(event.positions, complete=True)
        self._e.reconciler.reconciled(event)
        if first and self._e.world.portfolio.state.baselined:
            self._e.guards.start()
            self._e.allocator.start()
        elif not event.error:
            self._e.guards.mark()
            self._e.protections.confirmed()
            self._e.stops.compare(event)

    def note_balances(self, event: BalancesReported) -> None:
        """A statement to compare with, when it is quiet."""
        self.balances = event

    def note_positions(self, event: PositionsReported) -> None:
        """The same of positions; their liquidation prices count at once."""
        self.positions = event
        self._e.world.moved = True
        self._e.guards.latches.positions(event.positions)

    def connection(self, event: ConnectionChanged) -> None:
        """A stream came up or went away."""
        self._e.reconciler.connection(event)
        if event.stream.startswith("public") and event.up:
            self._e.host.bars.catch_up()

    def allowance(self, event: RateLimitReported) -> None:
        """The venue's own limit of a group of requests."""
        if event.limit > 0:
            self._e.world.queue.allow(group_named(event.group), event.limit)

    def instruments(self, event: InstrumentsLoaded) -> None:
        """What can be traded, and our fees."""
        self._e.world.moved = True
        for instrument in event.instruments:
            self._e.world.instruments[instrument.id] = instrument
        for fee in event.fees:
            self._e.world.fees[fee.instrument] = fee
        self._e.host.start_all()
