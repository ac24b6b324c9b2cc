"""Which order of the recorded run is which of the backtest: the same strategy, instrument, side and cause."""

from collections.abc import Callable, Hashable, Iterable, Sequence

from tradectl.backtest.parity.orders import TradedOrder

#: An order of the one side and its twin of the other; ``None`` where there is none.
Pair = tuple[TradedOrder | None, TradedOrder | None]
Key = Callable[[TradedOrder], Hashable]


def pairs(recorded: Sequence[TradedOrder], backtest: Sequence[TradedOrder], window: int) -> list[Pair]:
    """Every order of both sides exactly once, by time of the decision.

    First those of the very same event; then, of what is left, the nearest within ``window`` nanoseconds: a timer or an
    answer comes a little later at a venue that takes its time.
    """
    found, left, right = _same(recorded, backtest, lambda it: (*_who(it), it.cause, it.at))
    near, left, right = _nearest(left, right, window)
    found += near
    found += [(it, None) for it in left]
    found += [(None, it) for it in right]
    return sorted(found, key=_when)


def _who(order: TradedOrder) -> tuple[Hashable, ...]:
    return (order.strategy, order.instrument, order.sign, order.kind)


def _when(pair: Pair) -> tuple[int, str]:
    order = pair[0] or pair[1]
    assert order is not None
    return order.at, order.id


def _grouped(orders: Iterable[TradedOrder], key: Key) -> dict[Hashable, list[TradedOrder]]:
    groups: dict[Hashable, list[TradedOrder]] = {}
    for order in orders:
        groups.setdefault(key(order), []).append(order)
    return groups


def _same(
    recorded: Sequence[TradedOrder], backtest: Sequence[TradedOrder], key: Key
) -> tuple[list[Pair], list[TradedOrder], list[TradedOrder]]:
    """Pairs of one key in order, and what is left of both sides."""
    found: list[Pair] = []
    left: list[TradedOrder] = []
    groups = _grouped(backtest, key)
    for order in recorded:
        group = groups.get(key(order))
        if group:
            found.append((order, group.pop(0)))
        else:
            left.append(order)
    return found, left, [order for group in groups.values() for order in group]


def _nearest(
    recorded: Sequence[TradedOrder], backtest: Sequence[TradedOrder], window: int
) -> tuple[list[Pair], list[TradedOrder], list[TradedOrder]]:
    found: list[Pair] = []
    left: list[TradedOrder] = []
    groups = _grouped(sorted(backtest, key=lambda it: (it.at, it.id)), _who)
    for order in sorted(recorded, key=lambda it: (it.at, it.id)):
        group = groups.get(_who(order), [])
        at = order.at
        twin = min(group, key=lambda it: (abs(it.at - at), it.id), default=None)
        if twin is None or abs(twin.at - at) > window:
            left.append(order)
            continue
        group.remove(twin)
        found.append((order, twin))
    return found, left, [order for group in groups.values() for order in group]
