"""Where a resting order stands among the market's orders at its price, and what a print at that price leaves for it.

The rule is the conservative one. An order joins behind everything displayed at its price. What is displayed later is
behind it, so its place only moves forward: by prints at its price, and when less is displayed than stood before it
(cancellations are taken to happen behind it first). Inside the displayed levels an empty price has nobody before it;
beyond them the queue is unknown, the first size displayed there is taken to stand before it, and until then a print at
exactly its price does not fill it.
"""

from collections.abc import Iterator

from tradectl.matching.displayed import DisplayedSide
from tradectl.matching.resting import RestingOrder, RestingSide


def refresh(resting: RestingSide, displayed: DisplayedSide) -> None:
    """Move every order forward as far as the newly displayed sizes allow."""
    for key in resting.keys:
        shown = displayed.ahead_at(key)
        if shown < 0:
            continue
        for order in resting.queues[key]:
            order.ahead = shown if order.ahead < 0 else min(order.ahead, shown)


def reached(resting: RestingSide, key: int, lots: int) -> Iterator[tuple[RestingOrder, int]]:
    """The orders at ``key`` that a print of ``lots`` reaches, with the lots left for each; advances the queue.

    A caller may remove orders while iterating.
    """
    queue = list(resting.queues.get(key, ()))
    passed = 0
    for order in queue:
        if order.leaves == 0:  # ended by what the orders before it caused
            continue
        if order.ahead < 0:
            break
        waiting = min(max(order.ahead - passed, 0), lots)
        passed += waiting
        lots -= waiting
        if lots == 0:
            break
        filled = min(lots, order.leaves)
        if filled:
            yield order, filled
        lots -= filled
    for order in queue:
        if order.ahead > 0:
            order.ahead = max(0, order.ahead - passed)
