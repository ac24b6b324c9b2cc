"""The stops of a position as a whole: take-profit, stop-loss and trailing stop of mode Full, and added partial ones.

A change is checked entirely before anything of it is done (bybit-v5 6.4).
"""

from collections.abc import Callable
from decimal import Decimal

from tradectl.matching import attached, stop_checks
from tradectl.matching.accounts import Account
from tradectl.matching.book import Book
from tradectl.matching.conditional import exit_rises
from tradectl.matching.conditional_life import cancel_conditional, show_on_position, wait
from tradectl.matching.order_checks import check_price, check_qty
from tradectl.matching.order_life import announce
from tradectl.matching.publication import Publication
from tradectl.matching.records import Position, Refused
from tradectl.matching.state import State
from tradectl.matching.trailing import follow
from tradectl.model.orders import OrderType, Protection, Side, TradingStop, Trigger, TriggerBy

Edit = Callable[[], None]


class TradingStops:
    """The stops of one position, changed at ``now``."""

    def __init__(self, state: State, out: Publication, account: Account, book: Book, idx: int, now: int) -> None:
        """Raises :class:`Refused` 10001 for spot, the wrong leg and a flat position."""
        if book.instrument.is_spot:
            raise Refused(10001, "spot has no positions")
        if idx not in ((1, 2) if account.hedged(book.instrument) else (0,)):
            raise Refused(10001, "position idx not match position mode")
        self.state, self.out, self.account, self.book, self.idx, self.now = state, out, account, book, idx, now
        self.position: Position = account.peek_holding(book.instrument, idx).position
        if self.position.size == 0:
            raise Refused(10001, "can not set tp/sl/ts for zero position")
        self.side = Side.BUY if self.position.size > 0 else Side.SELL

    def set(self, stop: TradingStop) -> None:
        """Edit the Full ones. Raises 34040 when nothing changes, 10001 for a price on the wrong side."""
        edits = [
            self._leg("TakeProfit", stop.take_profit, stop.tp_by),
            self._leg("StopLoss", stop.stop_loss, stop.sl_by),
            self._trailing(stop.trailing, stop.active_price),
        ]
        changes = [edit for edit in edits if edit is not None]
        if not changes:
            raise Refused(34040, "not modified")
        for edit in changes:
            edit()

    def add(self, legs: Protection, size: Decimal) -> None:
        """Add partial ones of ``size``. Raises 10001 for more than the position, 110061 for too many."""
        check_qty(self.book, size, OrderType.LIMIT)
        if size > abs(self.position.size):
            raise Refused(10001, f"TP/SL size {size} exceeds the position's {abs(self.position.size)}")
        stop_checks.check_added(self.account, self.book, self.side, legs)
        like = attached.full_exit(self.state, self.account, self.book, self.idx, self.side.opposite, "", None, self.now)
        like.qty = size
        attached.add_pair(self.state, self.out, self.account, self.book, like, legs, self.now)

    def _leg(self, kind: str, price: Decimal | None, by: TriggerBy) -> Edit | None:
        """What to do for one leg; ``None`` for nothing."""
        if price is None:
            return None
        if price == 0:
            return self._removal(kind)
        takes_profit = kind == "TakeProfit"
        base = stop_checks.base_price(self.book, by)
        stop_checks.check_exit(self.book, self.side, kind, base, price, takes_profit == (self.side is Side.BUY))
        trigger = Trigger(price, exit_rises(self.side.opposite, takes_profit), by)
        current = attached.full_of(self.account, self.book, self.idx, kind)
        if current is not None and current.order.trigger == trigger:
            return None
        return lambda: self._put(kind, trigger)

    def _put(self, kind: str, trigger: Trigger) -> None:
        """Move the leg there is, or make one."""
        current = attached.full_of(self.account, self.book, self.idx, kind)
        if current is None:
            order = attached.full_exit(
                self.state, self.account, self.book, self.idx, self.side.opposite, kind, trigger, self.now
            )
            wait(self.state, self.out, self.account, self.book, order)
            return
        current.order.trigger, current.order.updated = trigger, self.now
        show_on_position(self.account, self.book, current)
        announce(self.out, self.account, self.book, current.order)

    def _removal(self, kind: str) -> Edit | None:
        current = attached.full_of(self.account, self.book, self.idx, kind)
        if current is None:
            return None
        return lambda: cancel_conditional(self.out, self.account, self.book, current, self.now, attached.CLEARED)

    def _trailing(self, distance: Decimal | None, active: Decimal | None) -> Edit | None:
        """A new distance or arming price starts the trailing afresh from the last price; a stop that is armed stays
        so unless a new arming price is named."""
        if distance is not None and distance == 0:
            return self._removal("TrailingStop")
        current = attached.full_of(self.account, self.book, self.idx, "TrailingStop")
        if distance is None:
            if active is None or current is None:
                return None
            distance = current.order.trailing
        distance = self._check_distance(distance)
        if active is None and current is not None and current.best is None:
            active = current.order.active_price
        if active is not None and active == 0:
            active = None
        if active is not None:
            rises = self.side is Side.BUY
            stop_checks.check_exit(self.book, self.side, "ActivePrice", self.book.last, active, rises)
        if current is not None and (current.order.trailing, current.order.active_price) == (distance, active):
            return None
        return lambda: self._trail(distance, active)

    def _check_distance(self, distance: Decimal | None) -> Decimal:
        checked = check_price(self.book, distance, "trailingStop")
        last = self.book.last
        if last is None:
            raise Refused(110118, "there is no last price to follow")
        if checked >= last:
            raise Refused(10001, f"trailingStop {checked} must be less than the last price {last}")
        return checked

    def _trail(self, distance: Decimal, active: Decimal | None) -> None:
        current = attached.full_of(self.account, self.book, self.idx, "TrailingStop")
        if current is None:
            order = attached.full_exit(
                self.state, self.account, self.book, self.idx, self.side.opposite, "TrailingStop", None, self.now
            )
            order.trailing = distance
            current = wait(self.state, self.out, self.account, self.book, order)
        order = current.order
        order.trailing, order.active_price, order.trigger, order.updated = distance, active, None, self.now
        current.best = None
        if self.book.last is not None:
            follow(current, self.book.last)
        show_on_position(self.account, self.book, current)
        announce(self.out, self.account, self.book, order)
