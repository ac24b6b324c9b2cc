"""A checkpoint of form 1, written before there were conditional orders and batches, read as one of today's.

What was added since has a default and needs nothing; what is here had another shape.
"""

import msgspec
from msgspec import Struct, field

from tradectl.engine.order_queue import QueueState
from tradectl.engine.order_state import Order
from tradectl.engine.rate_windows import Window
from tradectl.engine.waiting import Waiting


class _Queue1(Struct):
    """One list of all that waited, and when requests of each group left."""

    waiting: list[Waiting] = field(default_factory=list)
    sent: dict[str, list[int]] = field(default_factory=dict)
    blocked: dict[str, int] = field(default_factory=dict)
    allowed: dict[str, int] = field(default_factory=dict)


class _Form1(Struct):
    queue: _Queue1


_DECODER = msgspec.msgpack.Decoder(_Form1)


def queue_of_form_1(data: bytes, orders: list[Order]) -> QueueState:
    """The queue of a checkpoint of form 1: who waited keeps its place, what was sent still counts."""
    old, queue = _DECODER.decode(data).queue, QueueState()
    strategies = {order.link_id: order.strategy for order in orders}
    for waiting in sorted(old.waiting, key=lambda each: each.since):
        waiting.strategy = strategies.get(waiting.link_id, "")
        waiting.batchable = False  # whether the venue takes it in a batch is not known here; alone it always may leave
        if queue.lanes.find(waiting.key) is None:
            queue.lanes.add(waiting)
    queue.windows.sent = {group: Window(sorted(times)) for group, times in old.sent.items()}
    queue.windows.blocked, queue.windows.allowed = old.blocked, old.allowed
    return queue
