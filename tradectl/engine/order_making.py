"""From a wish to an order: what the checks are to judge, which leg of the position it goes to, and what is sent."""

from decimal import Decimal

from tradectl.engine.legs import side_of
from tradectl.engine.order_state import Order
from tradectl.engine.risk_checks import Candidate
from tradectl.engine.risk_manager import RiskManager
from tradectl.engine.wish import Wish
from tradectl.engine.world import World
from tradectl.model.commands import Check
from tradectl.model.instruments import InstrumentId
from tradectl.model.money import ceil_to, middle, plain
from tradectl.model.orders import OrderSpec, OrderStatus, OrderType, SelfMatch, Side, TimeInForce

_ANY_LEG = Check("position_mode", True)


class OrderMaking:
    """Makes candidates and orders; decides nothing."""

    def __init__(self, world: World, risk: RiskManager) -> None:
        self._w = world
        self._risk = risk

    # --- what the checks see

    def candidate(self, wish: Wish, size: Decimal, decision: int = 0, ahead: int = 0) -> Candidate:
        """One order of a wish as the checks see it; an amount of quote coin as the quantity it buys at its worst."""
        i = wish.instrument
        qty = self._bought(wish, size) if wish.quote_qty else size
        reduces = self._risk.reduces(
            wish.strategy, i.id, wish.side, qty, protected=self._reduce_only(wish), dormant=self._is_stop(wish)
        )
        return Candidate(
            wish.strategy, i, wish.side, wish.type, qty, wish.price, reduces, wish.late, bool(wish.who),
            wish.reduce_only, trigger=wish.trigger, protection=wish.protection,
            protective=reduces and self._is_stop(wish), quote_amount=size if wish.quote_qty else None,
            algorithm=wish.algorithm, decision=decision, ahead=ahead, since=wish.since,
        )  # fmt: skip

    def _is_stop(self, wish: Wish) -> bool:
        """Whether it waits for a price beside what else closes the position."""
        return bool(wish.leg) or (wish.trigger is not None and self._reduce_only(wish))

    def _reduce_only(self, wish: Wish) -> bool:
        """Whether it goes out reduce-only when it does reduce: what was asked to, what trades at any price, and in
        hedge mode all that closes."""
        asked = wish.reduce_only or wish.type is OrderType.MARKET or self._hedged(wish.instrument.id)
        return asked and not wish.instrument.is_spot

    def _bought(self, wish: Wish, amount: Decimal) -> Decimal:
        info = wish.instrument
        touch = self._w.market.touch(info.id, True)
        if touch is None or not amount.is_finite() or amount <= 0:
            return amount  # other checks refuse it
        return info.floor_qty(amount / (touch * (1 + self._w.limits.account.collar_share)))

    # --- hedge mode

    def _hedged(self, instrument: InstrumentId) -> bool:
        return self._w.portfolio.is_hedged(instrument)

    def check_leg(self, wish: Wish, candidate: Candidate, size: Decimal) -> Check:
        """In hedge mode no single order closes one leg of its book and opens the other."""
        name = "position_mode"
        if candidate.reduces or not self._hedged(wish.instrument.id):
            return _ANY_LEG
        held = self._w.portfolio.on_side(wish.strategy, wish.instrument.id, -wish.side.sign)
        room = self._risk.reducible(wish.strategy, wish.instrument.id, wish.side, protected=True)
        if held <= 0 or not room:
            return Check(name, True)
        reason = f"quantity {plain(size)}: in hedge mode an order cannot cross zero; close {plain(room)} first"
        return Check(name, False, plain(room), plain(size), reason)

    def _leg(self, wish: Wish, reduces: bool) -> int:
        if not self._hedged(wish.instrument.id):
            return 0
        return side_of(-wish.side.sign if reduces else wish.side.sign)

    # --- the order

    def order(self, wish: Wish, c: Candidate, size: Decimal, decision: int) -> Order:
        """The order, registered; it still has to be queued."""
        w = self._w
        spot = wish.instrument.is_spot
        self_match = wish.self_match if wish.self_match is not SelfMatch.NONE else self._risk.self_match(c)
        tif = TimeInForce.IOC if wish.type is OrderType.MARKET else wish.time_in_force
        closes = c.reduces and self._reduce_only(wish)  # the venue takes no stops with it (bybit-v5 5.1)
        spec = OrderSpec(
            w.next_link(wish.strategy), wish.instrument.id, wish.side, wish.type, size, wish.price, tif,
            closes, wish.quote_qty, wish.trigger, wish.close_on_trigger,
            None if spot or closes else wish.protection, self._leg(wish, c.reduces), self_match,
        )  # fmt: skip
        order = Order(
            spec, wish.strategy, decision, w.cause, w.now, OrderStatus.QUEUED, size, wish.price, person=bool(wish.who),
            algorithm=wish.algorithm, leg=wish.leg, arrival=self._arrival(wish),
        )  # fmt: skip
        if wish.trigger is not None:
            order.trigger_price = wish.trigger.price
        if wish.protection is not None and not closes:
            order.take_profit, order.stop_loss = wish.protection.take_profit, wish.protection.stop_loss
        if wish.quote_qty:
            touch = w.market.touch(wish.instrument.id, True)
            order.expected_qty = ceil_to(size / touch, wish.instrument.lot_size) if touch else c.qty
        w.add_order(order)
        return order

    def _arrival(self, wish: Wish) -> Decimal | None:
        """Where slippage counts from: the middle of the market, for an order that waits the price that fires it."""
        if wish.trigger is not None:
            return wish.trigger.price
        quote = self._w.market.quote(wish.instrument.id)
        if quote is not None and quote.bid > 0 and quote.ask > 0:
            return middle(quote.bid, quote.ask)
        return self._w.market.touch(wish.instrument.id, wish.side is Side.BUY)
