"""From "this share of my capital" to orders: what to close, what to open, cut into orders within the order limit."""

from collections.abc import Iterator
from decimal import Decimal

from msgspec import Struct

from tradectl.engine.express import Express
from tradectl.engine.order_desk import OrderDesk, Wish
from tradectl.engine.order_state import Order, is_market
from tradectl.engine.risk_manager import RiskManager
from tradectl.engine.unfinished import Unfinished
from tradectl.engine.world import World
from tradectl.model.commands import Check, DecisionMade
from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.model.money import ZERO, plain
from tradectl.model.orders import OrderType, Protection, Side


class _Move(Struct, frozen=True):
    """What is to be traded on one side: first what closes, then what opens."""

    side: Side
    closing: Decimal
    opening: Decimal


class Targets:
    """Places the orders that bring a book to a target size."""

    def __init__(self, world: World, desk: OrderDesk, risk: RiskManager, express: Express) -> None:
        self._w = world
        self._desk = desk
        self._risk = risk
        self._express = express

    def to_weight(
        self, strategy: str, capital: Decimal, instrument: InstrumentId, weight: Decimal, reason: str, late: bool,
        protection: Protection | None = None,
    ) -> None:  # fmt: skip
        """Bring the book to ``weight`` of ``capital`` (settle coin), sized at the worst price the collar allows."""
        info = self._w.instruments.get(instrument)
        action = "target" if weight else "close"
        if info is None:
            rule = f"{instrument} is not an instrument of this venue"
            self._desk.refuse(
                strategy, instrument, action, reason, Check("instrument", False, "", str(instrument), rule)
            )
            return
        if not weight:
            self._to_target(strategy, info, ZERO, action, reason, late, None)
            return
        touch = self._w.market.touch(instrument, weight > 0)
        if touch is None:
            rule = f"no price of {instrument} has been seen yet"
            self._desk.refuse(
                strategy, instrument, action, reason, Check("market_data", False, "a price", "none", rule)
            )
            return
        worst = _each(info, touch * (1 + self._w.limits.account.collar_share) if weight > 0 else touch)
        size = info.floor_qty(abs(weight) * capital / worst)
        self._to_target(strategy, info, size if weight > 0 else -size, action, reason, late, protection)

    def _to_target(
        self, strategy: str, info: Instrument, size: Decimal, action: str, reason: str, late: bool,
        protection: Protection | None,
    ) -> None:  # fmt: skip
        short = not (late or protection is not None or self._desk.minds_targets())
        if not (short and self._express.to_size(strategy, info, size)):
            self.to_size(strategy, info, size, action, reason, late, protection=protection)

    def to_size(
        self,
        strategy: str,
        info: Instrument,
        size: Decimal,
        action: str,
        reason: str,
        late: bool = False,
        who: str = "",
        protection: Protection | None = None,
    ) -> list[DecisionMade]:
        """Bring the book to a signed ``size``: first what closes, then what opens, protected; a refusal ends it.

        Of what closes, the part that shrinks the net position too goes first and apart: it may always leave, while the
        rest, which other books hold against, is an order like any other (decision 13).

        In hedge mode ``size`` is that of one leg, and the other one closes: to 0 means that both do, each whatever
        becomes of the other. What the venue's leg does not hold cannot be closed there and is left.
        """
        instrument = info.id
        self._w.unfinished.pop((strategy, instrument), None)
        self._cancel_resting(strategy, instrument, reason)
        moves = self._moves(strategy, info, size)
        total = sum((m.closing + m.opening for m in moves), ZERO)
        if not total:
            held = self._w.portfolio.size(strategy, instrument)
            note = Check("target", True, plain(size), plain(held), "")
            return [self._desk.refuse(strategy, instrument, action, f"{reason} (already there)", note)]
        made: list[DecisionMade] = []
        for move in moves:
            before = len(made)
            for sizes, attached in self._parts(strategy, info, move, protection):
                if not sizes:
                    continue
                stopped = made[before:] if not move.opening else made
                if all(m.accepted for m in stopped):
                    first = made[0].id if made else 0
                    wish = self._wish(strategy, info, move.side, sizes, action, reason, late, who, attached, first)
                    made.append(self._desk.place(wish))
        links = self._coming(strategy, info, size)
        if links:
            wait = Unfinished(strategy, instrument, size, action, reason, who, protection, links)
            self._w.unfinished[wait.book] = wait
        return made or [self._desk.refuse(strategy, instrument, action, reason, self._nothing(info, total, links))]

    def finish(self) -> None:
        """Go for the targets again that waited for orders which are over now."""
        for it in list(self._w.unfinished.values()):
            if any(self._may_bring(link) for link in it.links):
                continue
            del self._w.unfinished[it.book]
            info = self._w.instruments[it.instrument]
            if any(move.closing or move.opening for move in self._moves(it.strategy, info, it.size)):
                why = f"{it.reason} (the rest of it)"
                self.to_size(it.strategy, info, it.size, it.action, why, who=it.who, protection=it.protection)

    def _may_bring(self, link: str) -> bool:
        order = self._w.orders.get(link)
        return order is not None and order.in_flight > 0

    def _coming(self, strategy: str, info: Instrument, size: Decimal) -> list[str]:
        """The orders that keep a book from ``size``, with all that was sent for it: what they bring could not be closed
        yet, because they have begun to fill, or (in hedge mode) because their leg does not hold it."""
        if not self._w.open.any:
            return []
        hedged = self._w.portfolio.is_hedged(info.id)
        found = (
            o for m in self._moves(strategy, info, size) if m.closing for o in self._opening(strategy, info, m.side)
        )
        return [o.link_id for o in found if o.booked or hedged]

    def _opening(self, strategy: str, info: Instrument, against: Side) -> list[Order]:
        """Market orders under way on the other side than ``against``, which only open."""
        theirs = self._at_market(strategy, info.id)
        return [o for o in theirs if o.sign == -against.sign and not o.spec.reduce_only]

    def _moves(self, strategy: str, info: Instrument, size: Decimal) -> list[_Move]:
        """What is to be traded: of the net position, or of each leg, the one that closes first."""
        i, portfolio = info.id, self._w.portfolio
        if not portfolio.is_hedged(i):
            held = portfolio.size(strategy, i) + self._market_in_flight(strategy, i)
            return [_move(info, held, size)]
        moves = []
        for sign in (1, -1):
            idx = portfolio.index_of(i, sign)
            held = sign * portfolio.on_side(strategy, i, sign) + self._market_in_flight(strategy, i, idx)
            wanted = size if size * sign > 0 else ZERO
            move = _move(info, held, wanted)
            # A leg of the other sign: the book closed what others hold there, and gives it back by opening.
            moves.append(move if held * sign >= 0 else _Move(move.side, ZERO, move.closing + move.opening))
        return sorted(moves, key=lambda m: m.opening > 0)

    def _parts(
        self, strategy: str, info: Instrument, move: _Move, protection: Protection | None
    ) -> Iterator[tuple[tuple[Decimal, ...], Protection | None]]:
        """Orders of one side in the order they leave, each part sized when the one before it is in flight."""
        if move.closing:
            most = self._risk.reducible(strategy, info.id, move.side, protected=not info.is_spot)
            safe = self._enough(info, info.floor_qty(min(move.closing, most)))
            yield self._cut(info, safe, info.floor_qty(info.max_market_qty)), None
            if not self._w.portfolio.is_hedged(info.id):
                rest = self._unflagged(strategy, info, move, safe)
                yield self._slices(strategy, info, move.side, self._enough(info, rest)), None
        if move.opening:
            yield self._slices(strategy, info, move.side, self._enough(info, move.opening)), protection

    def _unflagged(self, strategy: str, info: Instrument, move: _Move, safe: Decimal) -> Decimal:
        """What closes without the venue's flag, ``safe`` being closed with it. Of a market order that has begun to fill
        the rest may never come, for it is traded or ended already: no more is closed then than is held."""
        rest = move.closing - safe
        held = self._w.portfolio.on_side(strategy, info.id, -move.side.sign)
        if rest <= 0 or held <= 0 or not any(o.booked for o in self._opening(strategy, info, move.side)):
            return rest
        theirs = self._at_market(strategy, info.id)
        leaving = sum((o.in_flight for o in theirs if o.sign == move.side.sign), ZERO)
        return info.floor_qty(max(min(rest, held - leaving), ZERO))

    @staticmethod
    def _nothing(info: Instrument, qty: Decimal, coming: list[str]) -> Check:
        """Why no order was sent for ``qty``."""
        if coming:
            return Check("target", True, plain(qty), "on its way", f"it is traded once {', '.join(coming)} is over")
        rule = f"{plain(qty)} is below the minimum {plain(info.min_qty)}"
        if qty >= info.min_qty:
            rule = f"the venue holds nothing of the {plain(qty)} to close: somebody else closed it; see positions adopt"
        return Check("quantity", False, plain(info.min_qty), plain(qty), rule)

    @staticmethod
    def _enough(info: Instrument, qty: Decimal) -> Decimal:
        return qty if qty >= info.min_qty else ZERO

    @staticmethod
    def _wish(
        strategy: str, info: Instrument, side: Side, sizes: tuple[Decimal, ...], action: str, reason: str, late: bool,
        who: str, protection: Protection | None, since: int,
    ) -> Wish:  # fmt: skip
        return Wish(
            strategy, info, side, sizes, action, reason, OrderType.MARKET, late=late, who=who, protection=protection,
            since=since,
        )  # fmt: skip

    def _cancel_resting(self, strategy: str, instrument: InstrumentId, reason: str) -> None:
        for order in self._w.open_orders() if self._w.open.any else ():
            waits = order.spec.type is OrderType.LIMIT or order.is_dormant
            resting = waits and order.is_open and not order.is_stop
            if order.strategy == strategy and order.instrument == instrument and resting:
                self._desk.cancel(order, reason)
        self._desk.taken_over(reason, strategy, "", instrument)

    def _market_in_flight(self, strategy: str, instrument: InstrumentId, idx: int = 0) -> Decimal:
        theirs = self._at_market(strategy, instrument)
        return sum((o.sign * o.in_flight for o in theirs if idx in (0, o.spec.position_idx)), ZERO)

    def _at_market(self, strategy: str, instrument: InstrumentId) -> list[Order]:
        """A book's market orders under way."""
        if instrument not in self._w.open.by_instrument:
            return []
        return [o for o in self._w.open_orders(strategy, instrument) if is_market(o)]

    def _slices(self, strategy: str, info: Instrument, side: Side, qty: Decimal) -> tuple[Decimal, ...]:
        if not qty:
            return ()
        risk = self._w.limits.of(strategy, info.id.symbol).single
        touch = self._w.market.touch(info.id, side is Side.BUY)
        if touch is None:
            return (qty,)
        worst = _each(info, touch * (1 + risk.collar_share) if side is Side.BUY else touch)
        value = self._w.valuation.account().equity * risk.order_share
        most = info.floor_qty((min(value, risk.order_value) if risk.order_value else value) / worst)
        return self._cut(info, qty, min(most, info.floor_qty(info.max_market_qty))) if most >= info.min_qty else (qty,)

    @staticmethod
    def _cut(info: Instrument, qty: Decimal, most: Decimal) -> tuple[Decimal, ...]:
        """Equal orders of at most ``most`` (on the lot): a small last one might be below the venue's minimum."""
        if ZERO < qty <= most and not qty % info.lot_size:
            return (qty,)  # the usual case
        count = int(qty // most) + bool(qty % most)
        if not count:
            return ()
        each = info.floor_qty(qty / count)
        bigger = int((qty - each * count) / info.lot_size)
        return (each + info.lot_size,) * bigger + (each,) * (count - bigger)


def _move(info: Instrument, held: Decimal, size: Decimal) -> _Move:
    """From a signed size to another one, on the lot."""
    delta = size - held
    closing = min(abs(delta), abs(held)) if held * delta < 0 else ZERO
    side = Side.BUY if delta > 0 else Side.SELL
    return _Move(side, info.floor_qty(closing), info.floor_qty(abs(delta) - closing))


def _each(info: Instrument, price: Decimal) -> Decimal:
    """What one unit of size counts at ``price``: an inverse contract is a dollar whatever the coin costs."""
    return Decimal(1) if info.id.category is Category.INVERSE else price
