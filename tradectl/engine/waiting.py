"""What waits in the order queue: one request, how urgent it is, and what a newer one makes of it."""

from decimal import Decimal

from msgspec import Struct

from tradectl.engine.rate_windows import family_of, group_of
from tradectl.model.events import Action
from tradectl.model.instruments import InstrumentId
from tradectl.model.orders import TradingStop

#: Ranks, most urgent first: amendments and creates of entries come last.
CANCELS, PROTECTIVE, REDUCING, AMENDS, CREATES = range(5)


class Waiting(Struct):
    """One request that waits: a create or cancel of ``link_id``, an amendment of it, or a change of a position's stops.

    ``protective`` ones guard an open position: they never expire. ``batchable``: the venue takes it in a batch.
    ``batch`` is set when it leaves: requests with the same number other than 0 go out in one batch request.
    """

    action: Action
    link_id: str
    instrument: InstrumentId
    reduces: bool
    since: int
    not_before: int = 0
    cause: int = 0
    qty: Decimal | None = None
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    strategy: str = ""
    protective: bool = False
    batchable: bool = True
    stop: TradingStop | None = None
    batch: int = 0
    decision: int = 0

    @property
    def key(self) -> str:
        return key_of(self.link_id, self.action)

    @property
    def group(self) -> str:
        """The limit it counts against when it goes alone."""
        if self.stop is not None:
            return f"{family_of(self.instrument.category)}:stop"
        return group_of(self.instrument, self.action)

    @property
    def rank(self) -> int:
        if self.action is Action.CANCEL:
            return CANCELS
        if self.protective:
            return PROTECTIVE
        if self.reduces:
            return REDUCING
        return AMENDS if self.action is Action.AMEND else CREATES

    def complete(self, older: "Waiting") -> None:
        """Take the place of an older request for the same: where this one is silent the older one still holds."""
        self.since = min(self.since, older.since)
        self.not_before = max(self.not_before, older.not_before)
        for name in ("qty", "price", "trigger_price", "take_profit", "stop_loss"):
            if getattr(self, name) is None:
                setattr(self, name, getattr(older, name))
        self.protective |= older.protective
        if self.stop is not None and older.stop is not None:
            self.stop = _completed(self.stop, older.stop)


def key_of(link_id: str, action: Action) -> str:
    """What a request is found by: of one order there is one of each action at most."""
    return action + ":" + link_id


def _completed(newer: TradingStop, older: TradingStop) -> TradingStop:
    tp = older if newer.take_profit is None else newer
    sl = older if newer.stop_loss is None else newer
    active = newer.active_price if newer.active_price is not None else older.active_price
    return TradingStop(
        newer.instrument, newer.position_idx, tp.take_profit, sl.stop_loss,
        older.trailing if newer.trailing is None else newer.trailing, active, tp.tp_by, sl.sl_by,
    )  # fmt: skip
