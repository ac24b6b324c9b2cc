"""Whether an algorithm may act now, must wait, or is over: the trading state and its strategy decide."""

from collections.abc import Callable

from msgspec import Struct

from tradectl.engine.execution_algorithms.state import Run
from tradectl.engine.trading_state import PERSON, STOPPING
from tradectl.engine.world import World
from tradectl.model.commands import Level, Reason

#: Why an instance's algorithms may not go on: it is disabled or stopped. Empty when they may.
StrategyVeto = Callable[[str], str]


class Standing(Struct, frozen=True):
    """``ends``: why it is over; ``waits``: why it may not act now. Both empty: it may act."""

    ends: str = ""
    waits: str = ""


FREE = Standing()


def standing(world: World, run: Run, two_sided: bool, veto: StrategyVeto) -> Standing:
    """What the world says to one algorithm.

    A restriction that a person must lift ends it, one that lifts itself makes it wait; where only reducing is allowed,
    an algorithm that reduces goes on.
    """
    stopped = veto(run.strategy)
    if stopped:
        return Standing(ends=stopped)
    waits = "waits: the daemon is stopping" if world.state.has(STOPPING) else ""
    for reason in world.state.active(run.strategy, run.instrument.symbol):
        if reason.level is Level.REDUCING and reduces(world, run, two_sided):
            continue
        if is_lasting(reason):
            return Standing(ends=f"trading is {reason.level.value}: {reason.text}")
        waits = waits or f"waits: {reason.text}"
    if world.unreconciled:
        waits = waits or "waits for the venue's word on orders without an answer"
    doubt = world.market.doubt(run.instrument)
    return Standing(waits=waits or (f"waits: {doubt}" if doubt else ""))


def is_lasting(reason: Reason) -> bool:
    """Whether somebody has to lift it."""
    return reason.clears == PERSON


def reduces(world: World, run: Run, two_sided: bool) -> bool:
    """Whether all it still has to do shrinks the strategy's position."""
    held = world.portfolio.on_side(run.strategy, run.instrument, -run.side.sign)
    return not two_sided and held >= run.qty - run.filled
