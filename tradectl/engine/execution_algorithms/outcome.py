"""How an order of an algorithm went: what stands or filled is a success, what ended unasked is a refusal."""

from tradectl.engine.execution_algorithms.state import Run
from tradectl.engine.execution_algorithms.trouble import note_refusal, note_success
from tradectl.engine.order_state import Order
from tradectl.engine.trading_state import STOPPING
from tradectl.engine.world import World

#: An order that stood so long before it ended (nanoseconds) begins the count of refusals anew.
_STOOD = 10 * 10**9


def judge(run: Run, order: Order, world: World, filled_more: bool) -> None:
    """Take note, once, of how an order ended. One the algorithm cancelled itself says nothing, nor does one the daemon
    cancelled because it stops."""
    child = run.children[order.link_id]
    if filled_more:
        note_success(run)
    if order.is_open or child.judged:
        return
    child.judged = True
    if order.filled or child.dropped or world.state.has(STOPPING):
        return
    if world.now - order.created >= _STOOD:
        note_success(run)
    note_refusal(run, world.now, order.reason or f"the order is {order.status.value}")
