"""How a strategy asks for orders: the methods every strategy has, each of which leaves an intent and no more."""

from decimal import Decimal
from functools import lru_cache
from typing import Protocol

from tradectl.engine.intents import AmendIntent, CancelIntent, Intent, OrderIntent, ProtectIntent, TargetIntent
from tradectl.engine.legs import LONG, SHORT
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.money import ZERO
from tradectl.model.orders import OrderType, Protection, Side, TimeInForce, TriggerBy

Amount = Decimal | int | float | str
#: The words for the legs of hedge mode.
LEGS = {"": 0, "long": LONG, "short": SHORT}
#: The words for what fires a trigger.
TRIGGERS = {"last": TriggerBy.LAST, "mark": TriggerBy.MARK, "index": TriggerBy.INDEX}


class TakesIntents(Protocol):
    """Where intents go."""

    def submit(self, intent: Intent) -> None: ...


class OrderMethods:
    """Orders, stops and targets of one instance. Amounts may be Decimals, numbers or text; prices in quote coin.

    A symbol is looked for in the instance's own category, or in the one it names: ``"spot:BTCUSDT"``. What risk
    refuses is recorded with its reason and told to nobody else.
    """

    category: str
    _context: TakesIntents

    # --- orders

    def buy(
        self, symbol: str, qty: Amount = 0, price: Amount | None = None, *, reason: str, stop: Amount | None = None,
        touch: Amount | None = None, trigger_by: str = "last", post_only: bool = False, reduce_only: bool = False,
        close_on_trigger: bool = False, time_in_force: TimeInForce | str = TimeInForce.GTC,
        take_profit: Amount | None = None, stop_loss: Amount | None = None, quote_amount: Amount | None = None,
    ) -> None:  # fmt: skip
        """Buy ``qty``: at market, or at most ``price``.

        ``stop`` sends it once the price has risen there, ``touch`` once it has fallen there; ``trigger_by`` is
        ``last``, ``mark`` or ``index``. ``take_profit`` and ``stop_loss`` protect what it fills, from the moment it
        fills. ``quote_amount`` instead of ``qty`` spends so much quote coin (spot, at market).
        Raises ``ValueError`` for what is no number or no such word.
        """
        self._order(
            symbol, Side.BUY, qty, price, reason, stop, touch, trigger_by, post_only, reduce_only, close_on_trigger,
            time_in_force, take_profit, stop_loss, quote_amount,
        )  # fmt: skip

    def sell(
        self, symbol: str, qty: Amount = 0, price: Amount | None = None, *, reason: str, stop: Amount | None = None,
        touch: Amount | None = None, trigger_by: str = "last", post_only: bool = False, reduce_only: bool = False,
        close_on_trigger: bool = False, time_in_force: TimeInForce | str = TimeInForce.GTC,
        take_profit: Amount | None = None, stop_loss: Amount | None = None, quote_amount: Amount | None = None,
    ) -> None:  # fmt: skip
        """Sell ``qty``: at market, or at least ``price``; ``stop`` waits until the price has fallen there, ``touch``
        until it has risen. The rest as in :meth:`buy`."""
        self._order(
            symbol, Side.SELL, qty, price, reason, stop, touch, trigger_by, post_only, reduce_only, close_on_trigger,
            time_in_force, take_profit, stop_loss, quote_amount,
        )  # fmt: skip

    def bracket(
        self, symbol: str, side: Side | str, qty: Amount, price: Amount | None = None, *, take_profit: Amount,
        stop_loss: Amount, reason: str,
    ) -> None:  # fmt: skip
        """Enter with both exits attached: whichever fills first ends the other."""
        enter = self.buy if Side(side) is Side.BUY else self.sell
        enter(symbol, qty, price, reason=reason, take_profit=take_profit, stop_loss=stop_loss)

    def target(
        self, symbol: str, weight: float, *, reason: str, stop_loss: Amount | None = None,
        take_profit: Amount | None = None,
    ) -> None:  # fmt: skip
        """Bring the position to ``weight`` of this instance's capital: 1.0 long all of it, -1.0 short, 0.0 flat.

        ``stop_loss`` and ``take_profit`` protect what it opens, as in :meth:`buy`.
        """
        share, attached = finite(Decimal(repr(float(weight))), "weight"), _attached(stop_loss, take_profit)
        self._context.submit(TargetIntent(self._id(symbol), share, reason, attached))

    def close(self, symbol: str, *, reason: str) -> None:
        """Close this instance's position and cancel its resting orders; its stops stay until it is flat."""
        self._context.submit(TargetIntent(self._id(symbol), ZERO, reason))

    def cancel(self, link_id: str = "", symbol: str = "", *, reason: str) -> None:
        """Cancel one order, or all of this instance (on ``symbol``) but for the stops of open positions."""
        self._context.submit(CancelIntent(link_id, self._id(symbol) if symbol else None, reason))

    def amend(
        self, link_id: str, qty: Amount | None = None, price: Amount | None = None, *, reason: str,
        trigger: Amount | None = None, take_profit: Amount | None = None, stop_loss: Amount | None = None,
    ) -> None:  # fmt: skip
        """Change total quantity, price, trigger price or attached stops (0 removes one) of an open order."""
        self._context.submit(
            AmendIntent(
                link_id,
                amount(qty, "qty"),
                amount(price, "price"),
                reason,
                amount(trigger, "trigger"),
                amount(take_profit, "take_profit"),
                amount(stop_loss, "stop_loss"),
            )
        )

    # --- what protects a position

    def protect(
        self, symbol: str, *, stop_loss: Amount | None = None, take_profit: Amount | None = None,
        trigger_by: str = "last", leg: str = "", reason: str,
    ) -> None:  # fmt: skip
        """Set the stops of the open position: ``None`` leaves one as it is, 0 removes it.

        ``leg`` is ``long`` or ``short`` where the account hedges and both are open.
        """
        self._protect(
            ProtectIntent(
                self._id(symbol),
                reason,
                amount(stop_loss, "stop_loss"),
                amount(take_profit, "take_profit"),
                trigger_by=_by(trigger_by),
                position_idx=_leg(leg),
            )
        )

    def oco(
        self, symbol: str, qty: Amount, *, take_profit: Amount, stop_loss: Amount, trigger_by: str = "last",
        leg: str = "", reason: str,
    ) -> None:  # fmt: skip
        """Two exits for ``qty`` of the open position: what one fills, the other loses.

        ``leg`` as in :meth:`protect`.
        """
        self._protect(
            ProtectIntent(
                self._id(symbol),
                reason,
                amount(stop_loss, "stop_loss"),
                amount(take_profit, "take_profit"),
                qty=amount(qty, "qty"),
                trigger_by=_by(trigger_by),
                action="oco",
                position_idx=_leg(leg),
            )
        )

    def trail(
        self, symbol: str, *, distance: Amount | None = None, percent: Amount | None = None,
        activate: Amount | None = None, trigger_by: str = "last", leg: str = "", reason: str,
    ) -> None:  # fmt: skip
        """A stop that follows the best price at ``distance`` (in price) or ``percent`` of it, from ``activate`` on.

        ``leg`` as in :meth:`protect`.
        Raises ``ValueError`` unless exactly one of the two is given.
        """
        if (distance is None) is (percent is None):
            raise ValueError("trail takes either distance or percent, and not both")
        self._protect(
            ProtectIntent(
                self._id(symbol),
                reason,
                trailing=amount(distance if percent is None else percent, "trailing"),
                percent=percent is not None,
                activate=amount(activate, "activate"),
                trigger_by=_by(trigger_by),
                action="trail",
                position_idx=_leg(leg),
            )
        )

    # --- inside

    def _protect(self, intent: ProtectIntent) -> None:
        self._context.submit(intent)

    def _order(
        self, symbol: str, side: Side, qty: Amount, price: Amount | None, reason: str, stop: Amount | None,
        touch: Amount | None, trigger_by: str, post_only: bool, reduce_only: bool, close_on_trigger: bool,
        time_in_force: TimeInForce | str, take_profit: Amount | None, stop_loss: Amount | None,
        quote_amount: Amount | None,
    ) -> None:  # fmt: skip
        bare = price is stop is touch is take_profit is stop_loss is quote_amount is None
        if bare and not (post_only or reduce_only or close_on_trigger or time_in_force is not TimeInForce.GTC):
            self._at_market(symbol, side, qty, reason, trigger_by)
            return
        by, limit = _by(trigger_by), amount(price, "price")
        size = amount(qty if quote_amount is None else quote_amount, "qty" if quote_amount is None else "quote_amount")
        assert size is not None
        if stop is not None and touch is not None:
            raise ValueError("an order has one trigger: give stop or touch, and not both")
        attached = _attached(stop_loss, take_profit, by)
        self._context.submit(
            OrderIntent(
                self._id(symbol),
                side,
                size,
                OrderType.MARKET if limit is None else OrderType.LIMIT,
                limit,
                TimeInForce.POST_ONLY if post_only else TimeInForce(time_in_force),
                reduce_only,
                reason,
                amount(stop, "stop"),
                amount(touch, "touch"),
                by,
                close_on_trigger,
                attached,
                quote_amount is not None,
            )
        )

    def _at_market(self, symbol: str, side: Side, qty: Amount, reason: str, trigger_by: str) -> None:
        """What is asked for most."""
        _by(trigger_by)
        size = amount(qty, "qty")
        assert size is not None
        self._context.submit(
            OrderIntent(
                named(self.category, symbol), side, size, OrderType.MARKET, None, TimeInForce.GTC, False, reason
            )
        )

    def _id(self, symbol: str) -> InstrumentId:
        return named(self.category, symbol)


@lru_cache(maxsize=4096)
def named(category: str, symbol: str) -> InstrumentId:
    """``symbol`` of ``category``, or of the one it names. Raises ``ValueError`` for a category there is none of."""
    other, found, name = symbol.rpartition(":")
    return InstrumentId(Category(other if found else category), name)


def _attached(
    stop_loss: Amount | None, take_profit: Amount | None, by: TriggerBy = TriggerBy.LAST
) -> Protection | None:
    if take_profit is None and stop_loss is None:
        return None
    return Protection(amount(take_profit, "take_profit"), amount(stop_loss, "stop_loss"), tp_by=by, sl_by=by)


def _by(word: str) -> TriggerBy:
    if word not in TRIGGERS:
        raise ValueError(f"trigger_by is last, mark or index, not {word!r}")
    return TRIGGERS[word]


def _leg(word: str) -> int:
    if word not in LEGS:
        raise ValueError(f"leg is long or short, not {word!r}")
    return LEGS[word]


def amount(value: Amount | None, name: str) -> Decimal | None:
    """A strategy's number as an exact amount; raises ``ValueError`` when it is none."""
    if value is None:
        return None
    return finite(Decimal(repr(value)) if isinstance(value, float) else Decimal(value), name)


def finite(value: Decimal, name: str) -> Decimal:
    """``value``, unless it is NaN or infinite: then ``ValueError``."""
    if not value.is_finite():
        raise ValueError(f"{name} must be a finite number, not {value}")
    return value
