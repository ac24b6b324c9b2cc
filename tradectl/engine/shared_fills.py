"""What belongs to several books, shared out to the last digit: a fill that closes what they hold, money by size."""

from decimal import Decimal

from tradectl.model.money import ZERO, floor_to, to_coin


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


def split(amount: Decimal, sizes: dict[str, Decimal]) -> dict[str, Decimal]:
    """An amount by signed sizes (together not 0), each part rounded half-even to eight decimals; the remainder goes to
    the largest, of equal ones to the last by name."""
    if len(sizes) == 1:
        return dict.fromkeys(sizes, amount)
    total = sum(sizes.values(), ZERO)
    parts = {name: to_coin(amount * size / total) for name, size in sizes.items()}
    parts[max(sizes, key=lambda n: (abs(sizes[n]), n))] += amount - sum(parts.values(), ZERO)
    return parts
