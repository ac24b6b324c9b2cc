"""Trailing stops: armed at once or at a price, then a distance behind the best last price since."""

from decimal import Decimal

from tradectl.matching.book import Book
from tradectl.matching.conditional import ConditionalOrder
from tradectl.model.orders import Side, Trigger


def follow_last(book: Book, last: Decimal) -> None:
    """Move the triggers of all trailing stops of an instrument after a new last price."""
    for waiting in book.conditionals.values():
        if waiting.order.trailing is not None:
            follow(waiting, last)


def follow(waiting: ConditionalOrder, last: Decimal) -> None:
    """Arm the stop, or move its trigger where ``last`` is the best yet: the highest for a long, lowest for a short."""
    order = waiting.order
    if order.trailing is None:
        return
    long = order.side is Side.SELL
    if waiting.best is None:
        active = order.active_price
        if active is not None and (last < active if long else last > active):
            return
    elif last <= waiting.best if long else last >= waiting.best:
        return
    waiting.best = last
    order.trigger = Trigger(last - order.trailing if long else last + order.trailing, not long)
