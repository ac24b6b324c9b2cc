"""The short way of one plain market order to a target: the same order, in the same state, as the order desk would make.

Nothing is in flight, nobody reads decisions, and the floats of :mod:`plain_orders` are sure of every check. Wherever
that is not so, nothing was changed and the long way begins anew.
"""

from decimal import Decimal

from tradectl.engine.activity import MINUTE
from tradectl.engine.dispatch import Dispatch
from tradectl.engine.order_state import Order
from tradectl.engine.risk_checks import Candidate
from tradectl.engine.risk_manager import RiskManager
from tradectl.engine.world import World
from tradectl.model.instruments import Category, Instrument
from tradectl.model.money import ZERO, exact
from tradectl.model.orders import OrderSpec, OrderStatus, OrderType, Side, TimeInForce

_LINEAR, _MARKET, _IOC = Category.LINEAR, OrderType.MARKET, TimeInForce.IOC
_BUY, _SELL, _QUEUED = Side.BUY, Side.SELL, OrderStatus.QUEUED


class Express:
    """Places what one order can do."""

    def __init__(self, world: World, risk: RiskManager, dispatch: Dispatch) -> None:
        self._w = world
        self._risk = risk
        self._dispatch = dispatch

    def to_size(self, strategy: str, info: Instrument, size: Decimal) -> bool:
        """Bring a book to a signed ``size`` by one order; whether it was placed."""
        w, i = self._w, info.id
        if w.open.orders or w.queue.waits or i.category is not _LINEAR or w.portfolio.is_hedged(i):
            return False
        held = w.portfolio.size(strategy, i)
        delta = size - held
        side = _BUY if delta > ZERO else _SELL
        reduces = bool(held) and (held > ZERO) is not (delta > ZERO)
        qty = info.floor_qty(abs(delta))
        if qty < info.min_qty or qty > info.max_market_qty or not qty:
            return False
        if reduces and not abs(delta) <= min(abs(held), w.venue_size(i, -side.sign)):
            return False  # through zero, or more than the venue holds: that is two orders
        return not self._floods(strategy) and self._place(strategy, info, side, qty, reduces)

    def _floods(self, strategy: str) -> bool:
        """Whether one more order is one too many in a minute."""
        w = self._w
        limit = w.limits.of(strategy, "").single.flood_per_minute
        return bool(limit) and w.activity.of(strategy).asked.within(w.now, MINUTE) >= limit - 1

    def _place(self, strategy: str, info: Instrument, side: Side, qty: Decimal, reduces: bool) -> bool:
        w, decision = self._w, self._w.decision_seq + 1
        candidate = Candidate(  # in the order of the fields: naming them takes longer
            strategy, info, side, _MARKET, qty, None, reduces, False, False, False, None, None, False, None, 0, decision
        )
        if not self._risk.is_plain(candidate):
            return False
        quote = w.market.quotes[info.id]  # a plain order has one
        w.decision_seq = decision
        self._risk.asked(strategy, 1, False)
        spec = OrderSpec(w.next_link(strategy), info.id, side, _MARKET, qty, None, _IOC, reduces)
        arrival = (exact(quote.bid) + exact(quote.ask)) / 2
        order = Order(spec, strategy, decision, w.cause, w.now, _QUEUED, qty, None, arrival=arrival)
        w.add_order(order)
        self._dispatch.create(order, reduces)
        self._risk.accepted(candidate)
        return True
