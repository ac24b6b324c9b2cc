"""The engine written down: with the journal's tail after it, it equals a replay from the beginning (decision 4)."""

import msgspec
from msgspec import Struct

from tradectl.engine.activity import Activity
from tradectl.engine.allocation.state import AllocationState
from tradectl.engine.decision_notes import DecisionNote
from tradectl.engine.execution_algorithms.state import AlgorithmState
from tradectl.engine.guard_state import GuardState
from tradectl.engine.limit_book import LimitState
from tradectl.engine.market_state import MarketState
from tradectl.engine.older_checkpoints import queue_of_form_1
from tradectl.engine.order_queue import QueueState
from tradectl.engine.order_state import Held, Order, Orphan
from tradectl.engine.portfolio_state import PortfolioState
from tradectl.engine.position_stops import PositionStopsState
from tradectl.engine.protection_plan import ProtectionState
from tradectl.engine.runner_state import RunnerState
from tradectl.engine.trading_state import TradingState
from tradectl.engine.unfinished import Unfinished
from tradectl.engine.universe import UniverseState
from tradectl.model.events import SCHEMA, BalancesReported, PositionsReported
from tradectl.model.instruments import FeeRate, Instrument
from tradectl.model.market_data import MarketKey

#: What :func:`encode` writes. 1, which says nothing of itself, is the form of the first release.
FORM = 2


class EngineState(Struct):
    """All of it. ``market``, ``portfolio`` and the rest are the components' own states.

    What is added has a default, so that the checkpoints before it are still read; ``form`` counts changes of shape.
    """

    schema: int
    now: int
    seq: int
    order_seq: int
    decision_seq: int
    instruments: list[Instrument]
    fees: list[FeeRate]
    market: MarketState
    portfolio: PortfolioState
    orders: list[Order]
    open_links: list[str]
    queue: QueueState
    state: TradingState
    timers: dict[str, int]
    numbers: dict[str, int]
    unreconciled: bool
    guard: GuardState
    reconcile_attempts: int
    reconcile_asked: bool
    reconcile_asked_at: int
    reconcile_overtaken: int
    sent_before: list[str]
    runners: dict[str, RunnerState]
    subscribed: list[MarketKey]
    balances: BalancesReported | None
    positions: PositionsReported | None
    orphans: dict[str, Orphan]
    limits: LimitState = msgspec.field(default_factory=LimitState)
    activity: Activity = msgspec.field(default_factory=Activity)
    universes: dict[str, UniverseState] = {}
    decisions: dict[str, list[DecisionNote]] = {}
    held: dict[str, Held] = {}
    position_stops: PositionStopsState = msgspec.field(default_factory=PositionStopsState)
    protection: ProtectionState = msgspec.field(default_factory=ProtectionState)
    allocation: AllocationState = msgspec.field(default_factory=AllocationState)
    algorithms: AlgorithmState = msgspec.field(default_factory=AlgorithmState)
    form: int = 1
    unfinished: list[Unfinished] = []


_DECODER = msgspec.msgpack.Decoder(EngineState, strict=True)
_ENCODER = msgspec.msgpack.Encoder()


def encode(state: EngineState) -> bytes:
    """The bytes of a checkpoint."""
    state.form = FORM
    return _ENCODER.encode(state)


def decode(data: bytes) -> EngineState:
    """Read a checkpoint, also one of an older form; raises ``ValueError`` when it is of another schema."""
    state = _DECODER.decode(data)
    if state.schema != SCHEMA or state.form > FORM:
        raise ValueError(
            f"the checkpoint has schema {state.schema}, form {state.form}; this version reads {SCHEMA}, {FORM}"
        )
    if state.form == 1:
        state.queue = queue_of_form_1(data, state.orders)
    return state
