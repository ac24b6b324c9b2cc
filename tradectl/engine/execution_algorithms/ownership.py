"""Which algorithm an order or a fill belongs to.

An order carries its algorithm's id. One of ours that nobody remembers had its record lost with the end of the journal:
whose it was is uncertain, so it counts for the oldest algorithm it fits. That makes nothing too large.
"""

from tradectl.engine.execution_algorithms.kinds import KINDS
from tradectl.engine.execution_algorithms.state import AlgorithmState, Run
from tradectl.engine.order_state import Order
from tradectl.model.instruments import InstrumentId
from tradectl.model.orders import Execution, Side


def run_of(state: AlgorithmState, order: Order) -> Run | None:
    """The algorithm of an order, ended ones included; a forgotten order is given to one."""
    if order.algorithm:
        return state.working.get(order.algorithm) or state.ended.get(order.algorithm)
    if order.decision or order.foreign or order.protective or not state.working:
        return None
    told = next((r for r in state.working.values() if order.link_id in r.children), None)
    run = told or _fitting(state, order.strategy, order.instrument, order.spec.side)
    if run is not None:
        order.algorithm = run.id
    return run


def run_of_stray(state: AlgorithmState, execution: Execution, strategy: str) -> Run | None:
    """The algorithm a fill of a forgotten order counts for."""
    return _fitting(state, strategy, execution.instrument, execution.side)


def _fitting(state: AlgorithmState, strategy: str, instrument: InstrumentId, side: Side) -> Run | None:
    for run in state.working.values():
        sides = KINDS[run.kind].two_sided or side is run.side
        if run.strategy == strategy and run.instrument == instrument and sides:
            return run
    return None
