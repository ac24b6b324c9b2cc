"""What algorithms that trade at once share: a size in equal or weighted pieces, and taking what the market offers."""

from collections.abc import Sequence
from decimal import Decimal

from tradectl.engine.execution_algorithms.algorithm import Hand
from tradectl.model.instruments import Instrument
from tradectl.model.money import plain
from tradectl.model.orders import Side

MINUTE = 60 * 10**9


def shares(info: Instrument, qty: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """``qty`` (on the lot) cut by weights into pieces on the lot that add up to exactly it: each cumulative share is
    rounded down, so no piece is a whole lot off."""
    total, so_far, cut = sum(weights, Decimal(0)), Decimal(0), Decimal(0)
    pieces = []
    for weight in weights:
        so_far += weight
        upto = qty if so_far == total else info.floor_qty(qty * so_far / total)
        pieces.append(upto - cut)
        cut = upto
    return pieces


def take(hand: Hand, tag: str, qty: Decimal, limit: Decimal | None, text: str) -> bool:
    """Trade now: at market, or with a limit no further than it and the collar allow, and not at all beyond it."""
    if limit is None:
        return hand.place(tag, qty, text=text)
    buy = hand.side is Side.BUY
    touch = hand.touch(buy)
    if touch is None or (touch > limit if buy else touch < limit):
        hand.say(f"waits: the market is beyond the limit of {plain(limit)}")
        return False
    sign = hand.side.sign
    reach = hand.info.passive_price(touch * (1 + sign * hand.collar), buy)
    return hand.place(tag, qty, min(limit, reach) if buy else max(limit, reach), tif="IOC", text=text)


def progress(hand: Hand) -> str:
    """How far it is, in words."""
    return f"{plain(hand.run.filled)} of {plain(hand.run.qty)} filled"


def is_finished(hand: Hand) -> bool:
    """Whether nothing rests and nothing is left that could be an order; then it is done."""
    if hand.open() or not hand.is_dust(hand.left):
        return False
    left = hand.run.qty - hand.run.filled
    hand.done(f"{plain(left)} left, below the minimum of an order" if left > 0 else "")
    return True
