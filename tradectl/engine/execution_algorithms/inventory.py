"""What algorithms that buy and sell share: giving back what they hold, and noticing that somebody else did."""

from decimal import Decimal

from tradectl.engine.execution_algorithms.algorithm import Hand
from tradectl.model.money import ZERO, plain

CLOSE = "close"


def has_lost_it(hand: Hand) -> bool:
    """Whether the book holds less than the algorithm does: a stop or a person closed it. Then it ends, for what it
    would give back is gone. Only judged while every execution is here."""
    inventory = hand.inventory
    if not hand.is_exact or inventory <= 0 or hand.held >= inventory:
        return False
    hand.done(f"its position was closed elsewhere: it held {plain(inventory)}, the book has {plain(hand.held)}")
    return True


def close_all(hand: Hand, reason: str) -> None:
    """Cancel everything, then give back at market what is held, then end."""
    for order in hand.open():
        if hand.run.children[order.link_id].tag != CLOSE:
            hand.cancel(order, reason)
    if hand.open() or not hand.is_exact:
        return
    rest = hand.info.floor_qty(max(hand.inventory, ZERO))
    if hand.is_dust(rest, side=hand.side.opposite):
        hand.done(reason)
    else:
        hand.place(CLOSE, rest, side=hand.side.opposite, text=reason)


def net(hand: Hand, tag: str) -> Decimal:
    """What the executions with a tag brought in, fees paid out of it taken off."""
    return hand.leg(tag).booked - hand.paid_in_kind(tag)
