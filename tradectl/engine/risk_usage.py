"""How much of each limit is used now: the figures ``risk show`` sets beside the limits, in the limits' own units."""

from collections.abc import Callable, Iterable
from decimal import Decimal

from tradectl.engine.exposure import Exposure
from tradectl.engine.risk_view import realised
from tradectl.engine.world import World
from tradectl.model.instruments import InstrumentId
from tradectl.model.money import ZERO

_SECOND, _MINUTE = 10**9, 60 * 10**9
_Figures = dict[str, Decimal]


def usage(world: World) -> dict[tuple[str, str], Decimal]:
    """By ``(scope, limit)``; what cannot be measured now (no equity, no price) is left out."""
    equity = world.valuation.account().equity
    if equity <= 0:
        return {}
    exposure = Exposure(world)
    found = {("", name): value for name, value in _account(world, exposure, equity).items()}
    for scope in world.limits.scoped:
        kind, _, name = scope.partition(":")
        if name != "*":
            figures = _OF_SCOPE[kind](world, exposure, equity, name)
            found |= {(scope, limit): value for limit, value in figures.items()}
    return {key: value for key, value in found.items() if value.is_finite()}


def _account(w: World, e: Exposure, equity: Decimal) -> _Figures:
    values = {i: e.one(i) for i in e.touched()}
    gross, most = sum(values.values(), ZERO), max(values.values(), default=ZERO)
    net = max(abs(e.net(sign, values)) for sign in (1, -1)) if values else ZERO
    g, now = w.guard, w.now
    loss = g.day_open - equity if g.day >= 0 else ZERO
    closed = g.realised_open - realised(w, e) if g.day >= 0 else ZERO
    return {
        "position_share": most / equity,
        "position_value": most,
        "gross_share": gross / equity,
        "gross_value": gross,
        "net_share": net / equity,
        "concentration_share": most / gross if gross else ZERO,
        "leverage": gross / equity,
        "day_loss_share": _part(loss, g.day_open),
        "day_realised_share": _part(closed, g.day_open),
        "drawdown_share": _part(g.peak - equity, g.peak),
        "open_orders": Decimal(sum(1 for o in w.open_orders() if o.is_open)),
        "orders_per_second": Decimal(w.activity.orders.within(now, _SECOND)),
        "orders_per_minute": Decimal(w.activity.orders.within(now, _MINUTE)),
        "amends_per_second": Decimal(w.activity.amends.within(now, _SECOND)),
        "amends_per_minute": Decimal(w.activity.amends.within(now, _MINUTE)),
    }


def _strategy(w: World, e: Exposure, equity: Decimal, name: str) -> _Figures:
    sizes = _sizes(e, equity, list(e.touched(name)), name)
    g, own = w.guard.of(name), w.valuation.strategy(name).equity
    activity, now = w.activity.of(name), w.now
    measured = g.day >= 0
    return {
        **sizes,
        "day_loss_share": _part(g.day_open - own, w.guard.day_open) if measured else ZERO,
        "day_realised_share": _part(g.realised_open - realised(w, e, name), w.guard.day_open) if measured else ZERO,
        "drawdown_share": _part(g.peak - own, w.guard.peak) if measured else ZERO,
        "losing_streak": Decimal(g.streak),
        "open_orders": Decimal(sum(1 for o in w.open_orders(name) if o.is_open)),
        "orders_per_second": Decimal(activity.orders.within(now, _SECOND)),
        "orders_per_minute": Decimal(activity.orders.within(now, _MINUTE)),
        "amends_per_second": Decimal(activity.amends.within(now, _SECOND)),
        "amends_per_minute": Decimal(activity.amends.within(now, _MINUTE)),
        "flood_per_minute": Decimal(activity.asked.within(now, _MINUTE)),
    }


def _symbol(w: World, e: Exposure, equity: Decimal, name: str) -> _Figures:
    here = [i for i in e.touched() if i.symbol == name]
    count = sum(1 for o in w.open_orders() if o.is_open and o.instrument.symbol == name)
    return {**_sizes(e, equity, here), "open_orders": Decimal(count)}


def _group(w: World, e: Exposure, equity: Decimal, name: str) -> _Figures:
    return _sizes(e, equity, [i for i in e.touched() if name in w.limits.group_of(i.symbol)])


def _sizes(e: Exposure, equity: Decimal, instruments: Iterable[InstrumentId], strategy: str = "") -> _Figures:
    values = {i: e.one(i, strategy) for i in instruments}
    gross, most = sum(values.values(), ZERO), max(values.values(), default=ZERO)
    net = max(abs(e.net(sign, values, strategy)) for sign in (1, -1)) if values else ZERO
    return {
        "position_share": most / equity, "position_value": most, "gross_share": gross / equity, "gross_value": gross,
        "net_share": net / equity,
    }  # fmt: skip


def _part(loss: Decimal, of: Decimal) -> Decimal:
    return max(loss, ZERO) / of if of > 0 else ZERO


_OF_SCOPE: dict[str, Callable[[World, Exposure, Decimal, str], _Figures]] = {
    "strategy": _strategy, "symbol": _symbol, "group": _group,
}  # fmt: skip
