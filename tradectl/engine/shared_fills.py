"""A fill that closes what several books hold, shared out: by size, on the lot, to the last digit."""

from decimal import Decimal

from tradectl.model.money import ZERO, floor_to


def shares(held: dict[str, Decimal], sign: int, qty: Decimal, lot: Decimal) -> dict[str, Decimal]:
    """How much of a trade of ``qty`` on the side of ``sign`` each book closes; empty when none holds the other side.

    Books are signed sizes by name. What is left over by rounding goes to the largest, in the order of their names.
    """
    closable = {name: abs(size) for name, size in sorted(held.items()) if size * sign < 0}
    total = sum(closable.values(), ZERO)
    if not total:
        return {}
    parts = {name: floor_to(min(qty, total) * size / total, lot) for name, size in closable.items()}
    rest = qty - sum(parts.values(), ZERO)
    for name in sorted(closable, key=lambda n: (-closable[n], n)):
        room = closable[name] - parts[name]
        parts[name] += min(rest, room)
        rest -= min(rest, room)
    if rest:  # the venue closed more than the books knew of: the largest is wrong by that much, and will be compared
        parts[max(closable, key=lambda n: (closable[n], n))] += rest
    return {name: part for name, part in parts.items() if part}
