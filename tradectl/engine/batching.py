"""Batch requests: which of the requests that leave together go into one (bybit-v5 5.8)."""

from tradectl.engine.waiting import Waiting
from tradectl.model.instruments import Category

#: Orders in one batch request.
BATCH_SIZE, SPOT_BATCH_SIZE = 20, 10


def numbered(chosen: list[Waiting], used: int) -> tuple[list[Waiting], int]:
    """Give each its batch number, counting on from ``used``; returns them side by side by batch, and the last number.

    A request holds one category: linear and inverse share a budget, not a batch.
    """
    by_category: dict[Category, list[Waiting]] = {}
    for waiting in chosen:
        by_category.setdefault(waiting.instrument.category, []).append(waiting)
    for category, members in by_category.items():
        size = SPOT_BATCH_SIZE if category is Category.SPOT else BATCH_SIZE
        for place, waiting in enumerate(members):
            used += place % size == 0
            waiting.batch = used
    return [w for members in by_category.values() for w in members], used
