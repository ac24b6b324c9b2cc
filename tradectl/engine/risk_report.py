"""What is in force and how much of it is used: each limit of a scope with the value now, its unit and its headroom."""

from decimal import Decimal

from msgspec import Struct

from tradectl.engine.exposure import Exposure
from tradectl.engine.limit_rules import parse_scope, unit_of
from tradectl.engine.risk_limits import ZERO_IS_OFF
from tradectl.engine.risk_view import realised
from tradectl.engine.world import World
from tradectl.model.instruments import InstrumentId
from tradectl.model.money import ZERO, parse_amount

_SECOND = 10**9


class LimitUse(Struct, frozen=True):
    """One limit. ``used`` is in the limit's own unit, ``None`` where it is only known per order; ``on`` is false where
    0 switches it off."""

    name: str
    limit: str
    unit: str
    on: bool
    used: Decimal | None = None

    @property
    def headroom(self) -> Decimal | None:
        """How much is left, never below 0."""
        if self.used is None or not self.on:
            return None
        return max(Decimal(self.limit) - self.used, ZERO)


def limits_in_force(world: World, scope: str = "") -> tuple[LimitUse, ...]:
    """Every limit of the account, or those a scope narrows, with what is used of it.

    Raises ``Problem`` when ``scope`` is none.
    """
    kind = parse_scope(scope)
    used = _Used(world, kind, scope.partition(":")[2]).all()
    found = []
    for name, text in world.limits.texts(scope):
        on = not (name in ZERO_IS_OFF and not parse_amount(text))
        value = used.get(name)
        found.append(LimitUse(name, text, unit_of(name), on, value if value is None else round(value, 8)))
    return tuple(found)


class _Used:
    """Measures one scope now, in flight at its worst."""

    def __init__(self, world: World, kind: str, name: str) -> None:
        self._w = world
        self._kind = kind
        self._name = name
        self._strategy = name if kind == "strategy" else ""
        self._exposure = Exposure(world)

    def all(self) -> dict[str, Decimal]:
        equity = self._w.valuation.account().equity
        values = [self._exposure.one(i, self._strategy) for i in self._instruments()]
        gross, largest = sum(values, ZERO), max(values, default=ZERO)
        net = max((self._exposure.net(sign, self._instruments(), self._strategy) for sign in (1, -1)), default=ZERO)
        found = {"position_value": largest, "gross_value": gross, "open_orders": Decimal(self._open_orders())}
        if equity > 0:
            found |= {"position_share": largest / equity, "gross_share": gross / equity, "net_share": net / equity}
        if not self._kind and equity > 0:
            found["leverage"] = gross / equity
        if not self._kind and gross.is_finite() and gross:
            found["concentration_share"] = largest / gross
        return found | self._rates() | self._losses(equity)

    def _instruments(self) -> list[InstrumentId]:
        touched = self._exposure.touched(self._strategy)
        if self._kind == "symbol":
            return [i for i in touched if i.symbol == self._name]
        if self._kind == "group":
            return [i for i in touched if self._name in self._w.limits.group_of(i.symbol)]
        return list(touched)

    def _open_orders(self) -> int:
        symbol = self._name if self._kind == "symbol" else ""
        found = self._w.open_orders(self._strategy)
        return sum(1 for o in found if o.is_open and symbol in ("", o.instrument.symbol))

    def _rates(self) -> dict[str, Decimal]:
        if self._kind in ("symbol", "group"):
            return {}
        now, activity = self._w.now, self._w.activity
        own = activity.strategies.get(self._strategy)
        orders, amends = (own.orders, own.amends) if own is not None else (activity.orders, activity.amends)
        if self._strategy and own is None:
            return {}
        spans = (("second", _SECOND), ("minute", 60 * _SECOND))
        found = {f"orders_per_{name}": Decimal(orders.within(now, span)) for name, span in spans}
        return found | {f"amends_per_{name}": Decimal(amends.within(now, span)) for name, span in spans}

    def _losses(self, equity: Decimal) -> dict[str, Decimal]:
        guard = self._w.guard
        own = guard.strategies.get(self._strategy) if self._strategy else None
        if self._kind not in ("", "strategy") or guard.day < 0 or guard.day_open <= 0 or guard.peak <= 0:
            return {}
        if not self._strategy:
            lost = guard.day_open - equity, guard.peak - equity, guard.realised_open - self._realised()
        elif own is not None:
            value = self._w.valuation.strategy(self._strategy).equity
            lost = own.day_open - value, own.peak - value, own.realised_open - self._realised()
        else:
            return {}
        day, top, closed = (max(each, ZERO) for each in lost)
        found = {"day_loss_share": day / guard.day_open, "drawdown_share": top / guard.peak}
        if own is not None:
            found["losing_streak"] = Decimal(own.streak)
        if self._w.limits.account.day_realised_share or (own is not None and own.realised_open):
            found["day_realised_share"] = closed / guard.day_open
        return found

    def _realised(self) -> Decimal:
        return realised(self._w, self._exposure, self._strategy)
