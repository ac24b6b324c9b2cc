"""Completes each decision with what the engine was told and what the strategy saw, and remembers the last ones."""

from collections.abc import Callable
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from tradectl.engine.describe import describe
from tradectl.engine.world import World
from tradectl.model.commands import DecisionMade
from tradectl.model.instruments import InstrumentId
from tradectl.model.orders import Side

#: Decisions remembered of each instance and instrument.
KEEP = 5
Inputs = tuple[tuple[str, float], ...]


class DecisionNote(Struct, frozen=True, array_like=True):
    """What is remembered of a decision: enough to say why, and why not. ``refusal`` is empty when it was accepted."""

    id: int
    at: int
    cause: int
    action: str
    side: Side | None
    qty: Decimal
    reason: str
    refusal: str
    event: str


class DecisionNotes:
    """The last decisions by instance and instrument; :attr:`state` goes into the checkpoint."""

    def __init__(self, world: World) -> None:
        self._w = world
        self.state: dict[str, list[DecisionNote]] = {}

    def complete(self, first: int, inputs: Callable[[InstrumentId], Inputs] | None = None) -> None:
        """Fill in event and inputs of the decisions among ``world.out[first:]`` that have none yet, and note them."""
        out, told = self._w.out, ""
        for index in range(first, len(out)):
            made = out[index]
            if type(made) is not DecisionMade or made.event:
                continue
            told = told or describe(self._w.event)
            seen = made.inputs or (inputs(made.instrument) if inputs is not None else ())
            out[index] = whole = replace(made, event=told, inputs=seen)
            self._note(whole)

    def _note(self, d: DecisionMade) -> None:
        refusal = "" if d.accepted else next((c.reason for c in reversed(d.checks) if not c.ok), "refused")
        kept = self.state.setdefault(f"{d.strategy}|{d.instrument}", [])
        kept.append(DecisionNote(d.id, d.at, d.cause, d.action, d.side, d.qty, d.reason, refusal, d.event))
        del kept[:-KEEP]

    def last(self, strategy: str, instrument: InstrumentId) -> tuple[DecisionNote, ...]:
        """What was decided lately, oldest first."""
        return tuple(self.state.get(f"{strategy}|{instrument}", ()))
