"""The short way of one plain market order: the same order, in the same state, as the order desk would make.

Nothing is in flight, nobody reads decisions, and the floats of :mod:`plain_orders` are sure of every check. Wherever
that is not so, nothing was changed and the long way begins anew.
"""

from decimal import Decimal

from tradectl.engine.activity import MINUTE
from tradectl.engine.dispatch import Dispatch
from tradectl.engine.order_state import Order
from tradectl.engine.risk_manager import RiskManager
from tradectl.engine.world import World
from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.model.money import ZERO, middle
from tradectl.model.orders import OrderSpec, OrderStatus, OrderType, Side, TimeInForce

_LINEAR, _MARKET, _IOC = Category.LINEAR, OrderType.MARKET, TimeInForce.IOC
_BUY, _SELL, _QUEUED = Side.BUY, Side.SELL, OrderStatus.QUEUED


class Express:
    """Places what one order can do."""

    def __init__(self, world: World, risk: RiskManager, dispatch: Dispatch) -> None:
        self._w = world
        self._risk = risk
        self._dispatch = dispatch

    def order(self, strategy: str, info: Instrument, side: Side, qty: Decimal) -> bool:
        """Trade ``qty`` of a book at market, whatever it closes or opens; whether the order was placed."""
        if not self._is_clear(info.id) or not qty.is_finite():
            return False
        held = self._w.portfolio.size(strategy, info.id)
        against = -held if side is _BUY else held
        reduces = against > ZERO and ZERO < qty <= against and qty <= self._w.venue_size(info.id, -side.sign)
        return self._place(strategy, info, side, qty, reduces)

    def to_size(self, strategy: str, info: Instrument, size: Decimal) -> bool:
        """Bring a book to a signed ``size`` by one order; whether it was placed."""
        if not self._is_clear(info.id):
            return False
        held = self._w.portfolio.size(strategy, info.id)
        delta = size - held
        side = _BUY if delta > ZERO else _SELL
        reduces = bool(held) and (held > ZERO) is not (delta > ZERO)
        qty = info.floor_qty(abs(delta))
        if not qty:
            return False
        if reduces and not abs(delta) <= min(abs(held), self._w.venue_size(info.id, -side.sign)):
            return False  # through zero, or more than the venue holds: that is two orders
        return self._place(strategy, info, side, qty, reduces)

    def _is_clear(self, instrument: InstrumentId) -> bool:
        """Whether nothing is on its way, and the position has one side."""
        w = self._w
        if w.open.any or w.queue.waits or w.unfinished or instrument.category is not _LINEAR:
            return False
        return not (w.audience.decisions or w.config.position_mode == "hedge")

    def _place(self, strategy: str, info: Instrument, side: Side, qty: Decimal, reduces: bool) -> bool:
        w, i, decision = self._w, info.id, self._w.decision_seq + 1
        limit, own = w.limits.of(strategy, "").single.flood_per_minute, w.activity.of(strategy)
        if limit and own.asked.within(w.now, MINUTE) >= limit - 1:
            return False  # one more is one too many
        if not self._risk.plain.allows(strategy, info, side, qty, reduces, decision):
            return False
        w.decision_seq = decision
        if limit:
            own.asked.add(w.now)
        spec = OrderSpec(w.next_link(strategy), i, side, _MARKET, qty, None, _IOC, reduces)
        order = Order(spec, strategy, decision, w.cause, w.now, _QUEUED, qty, None, arrival=self._arrival(i))
        w.add_order(order)
        self._dispatch.create_plain(order, reduces)
        w.activity.orders.add(w.now)
        own.orders.add(w.now)
        if not reduces:
            w.activity.entered(strategy, i, side, decision, w.now)
        return True

    def _arrival(self, instrument: InstrumentId) -> Decimal:
        """The middle of the market, which a plain order has."""
        bar = self._w.market.bars.get(instrument)
        quote = bar if bar is not None else self._w.market.quotes[instrument]
        return middle(quote.bid, quote.ask)
