"""Stops of a whole position, whoever's books make it up: the venue keeps one set for each, and follows its size.

What a person set is remembered while the position is open and set again when the venue says otherwise.
"""

from decimal import Decimal

from msgspec import Struct, field

from tradectl.engine.dispatch import Dispatch
from tradectl.engine.intents import ProtectIntent
from tradectl.engine.order_desk import OrderDesk
from tradectl.engine.order_state import Order
from tradectl.engine.protection_fields import check_protect
from tradectl.engine.rate_windows import family_of
from tradectl.engine.world import World
from tradectl.model.commands import AlertLevel, Check, DecisionMade
from tradectl.model.events import ProtectRequested, Reaction, Reconciled, StopAnswered
from tradectl.model.instruments import Instrument, InstrumentId
from tradectl.model.money import ZERO, plain
from tradectl.model.orders import TradingStop
from tradectl.model.positions import PositionReport

#: A request the venue was too busy for is made again after this long (nanoseconds).
PAUSE = 1_000_000_000
#: So often in a row, then a person is told.
MAX_TRIES = 5


class Wanted(Struct):
    """What one position is meant to have, and how often in a row the venue did not take it."""

    stop: TradingStop
    decision: int = 0
    tries: int = 0
    again_at: int = 0
    failed: str = ""


class PositionStopsState(Struct):
    """By instrument and index of the position, ``linear:BTCUSDT|0``."""

    wanted: dict[str, Wanted] = field(default_factory=dict)


class PositionStops:
    """Sets, remembers and restores the stops of whole positions."""

    def __init__(self, world: World, desk: OrderDesk, dispatch: Dispatch) -> None:
        self._w = world
        self._desk = desk
        self._dispatch = dispatch
        self.state = PositionStopsState()

    def set(self, e: ProtectRequested, reason: str) -> DecisionMade:
        """A person sets the stops of the position at the venue."""
        w = self._w
        info = w.instruments.get(e.instrument)
        if info is None or info.is_spot:
            rule = f"{e.instrument} has no position at the venue whose stops could be set; name a strategy"
            check = Check("instrument", False, "a derivative", str(e.instrument), rule)
        else:
            check = self._judge(e, info)
        made = self._desk.refuse("", e.instrument, "protect", reason, check, e.who)
        if check.ok:
            stop = TradingStop(
                e.instrument, e.position_idx, e.take_profit, e.stop_loss, e.trailing, e.active_price
            )  # fmt: skip
            self._remember(stop, made.id)
            self._dispatch.stop(stop, w.cause, made.id)
        return made

    def filled(self, order: Order) -> None:
        """An entry whose stops are the whole position's filled: they are meant to stand from now on."""
        attached = order.spec.protection
        if attached is None or attached.partial:
            return
        levels = (order.take_profit, order.stop_loss)
        stop = TradingStop(
            order.instrument, order.spec.position_idx, *levels, tp_by=attached.tp_by, sl_by=attached.sl_by
        )
        self._remember(stop, order.decision)

    def _judge(self, e: ProtectRequested, info: Instrument) -> Check:
        intent = ProtectIntent(e.instrument, "", e.stop_loss, e.take_profit, e.trailing, activate=e.active_price)
        return check_protect(intent, info, self._size(e.instrument, e.position_idx), self._w.market, whole=True)

    def _size(self, instrument: InstrumentId, idx: int) -> Decimal:
        if not idx:
            return self._w.portfolio.net_size(instrument)
        sign = 1 if idx == 1 else -1
        return sign * self._w.venue_size(instrument, sign)

    def _remember(self, stop: TradingStop, decision: int) -> None:
        key = _key(stop.instrument, stop.position_idx)
        before = self.state.wanted.get(key)
        merged = stop if before is None else _merged(before.stop, stop)
        self.state.wanted[key] = Wanted(merged, decision)
        if not any((merged.stop_loss, merged.take_profit, merged.trailing)):
            del self.state.wanted[key]

    # --- what the venue says of it

    def answered(self, e: StopAnswered) -> None:
        """The venue took the change, or did not."""
        if e.reaction is Reaction.RETRY and e.retry_at:
            self._w.queue.block(f"{family_of(e.instrument.category)}:stop", e.retry_at)
        wanted = self.state.wanted.get(_key(e.instrument, e.position_idx))
        if e.reaction is Reaction.OK:
            if wanted is not None:
                wanted.tries, wanted.failed = 0, ""
            return
        text = f"the stops of {e.instrument} were not set: {e.code} {e.message}"
        if wanted is None or e.reaction in (Reaction.FIX, Reaction.STOP):
            if wanted is not None:
                wanted.failed = text
            self._w.alert(AlertLevel.CRITICAL, "stop_refused", text, "set them anew with other prices: positions set")
            return
        self._again(wanted, max(e.retry_at, self._w.now + PAUSE), text)

    def _again(self, wanted: Wanted, at: int, text: str) -> None:
        wanted.tries += 1
        if wanted.tries == MAX_TRIES:
            self._w.alert(AlertLevel.CRITICAL, "stop_refused", text, "look at the exchange; then: positions set")
        wanted.again_at = at

    def look(self) -> None:
        """On the guard's tick: what is due again is sent again, and what belongs to no position is forgotten."""
        w = self._w
        if w.unreconciled or not self.state.wanted:
            return
        for key, wanted in list(self.state.wanted.items()):
            if not self._size(wanted.stop.instrument, wanted.stop.position_idx):
                del self.state.wanted[key]
            elif wanted.again_at and w.now >= wanted.again_at and not wanted.failed:
                wanted.again_at = 0
                self._dispatch.stop(wanted.stop, w.cause, wanted.decision)

    def compare(self, event: Reconciled) -> None:
        """The venue's rows against what was set: what somebody removed is set again, once a person was told."""
        if event.error:
            return
        for row in event.positions:
            wanted = self.state.wanted.get(_key(row.instrument, row.position_idx))
            if wanted is None or not row.size or wanted.failed or wanted.again_at or _stands(wanted.stop, row):
                continue
            text = f"the stops of {row.instrument} are not what was set ({_words(wanted.stop)}); they are set again"
            self._w.alert(AlertLevel.CRITICAL, "stop_missing", text, "watch the position until the stop is back")
            self._again(wanted, self._w.now, text)


def _key(instrument: InstrumentId, idx: int) -> str:
    return f"{instrument}|{idx}"


def _merged(old: TradingStop, new: TradingStop) -> TradingStop:
    def latest(a: Decimal | None, b: Decimal | None) -> Decimal | None:
        return a if b is None else b

    return TradingStop(
        new.instrument, new.position_idx, latest(old.take_profit, new.take_profit),
        latest(old.stop_loss, new.stop_loss), latest(old.trailing, new.trailing),
        latest(old.active_price, new.active_price), new.tp_by, new.sl_by,
    )  # fmt: skip


def _stands(stop: TradingStop, row: PositionReport) -> bool:
    pairs = ((stop.take_profit, row.take_profit), (stop.stop_loss, row.stop_loss), (stop.trailing, row.trailing))
    return all(wanted is None or wanted == (stated or ZERO) for wanted, stated in pairs)


def _words(stop: TradingStop) -> str:
    named = (("stop-loss", stop.stop_loss), ("take-profit", stop.take_profit), ("trailing", stop.trailing))
    return ", ".join(f"{name} {plain(value)}" for name, value in named if value)
