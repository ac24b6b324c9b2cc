"""The small numbers kernels speak in, and the records they read and fill."""

import numpy as np

#: Bits of a bar's code.
LONG, LEAVE_LONG, SHORT, LEAVE_SHORT = 1, 2, 4, 8
#: How entries act.
ALWAYS, SWITCH, FLAT = 0, 1, 2

#: Why a run's figures may not be what the event-driven run would give.
OFF_TICK, BROKE, SLICED, LIMITED, ENDLESS = 1, 2, 4, 8, 32
#: ... and why only exact arithmetic can tell.
DOUBTFUL = 64
TROUBLES = {
    OFF_TICK: "a price is off the tick",
    BROKE: "the position comes near liquidation, or equity is gone",
    SLICED: "one decision makes more orders than rates or margin let through at once",
    LIMITED: "a loss limit may have spoken",
    ENDLESS: "amounts are beyond what whole numbers of 64 bits hold",
    DOUBTFUL: "a rounding decision is too near to call",
}


def is_undecided(flags: int) -> bool:
    """Whether exact arithmetic may give a run that can be trusted, where float64 did not. Of one with too many orders
    it cannot, and making each of them may take minutes."""
    return bool(flags & (DOUBTFUL | ENDLESS)) and not flags & SLICED


#: A trade in one direction: the bar it filled in, signed lots, the fee of its ``orders``, the bar that decided it.
FILL = np.dtype([("bar", "i8"), ("lots", "i8"), ("ticks", "i8"), ("fee", "i8"), ("orders", "i8"), ("decided", "i8")])
#: ``ledger`` is cash less the signed values traded: equity is ``ledger + lots x ticks x step`` from ``bar`` on.
STAND = np.dtype([("bar", "i8"), ("ledger", "i8"), ("lots", "i8")])
#: The account while a run goes on, and what it left.
ACCOUNT = np.dtype(
    [
        ("flags", "i8"), ("fills", "i8"), ("stands", "i8"), ("ledger", "i8"), ("lots", "i8"), ("equity", "i8"),
        ("trips", "i8"), ("won", "i8"), ("lost", "i8"), ("gained", "i8"), ("given", "i8"), ("fees", "i8"),
        ("funding", "i8"), ("orders", "i8"), ("refused", "i8"), ("trip_from", "i8"), ("entered", "i8"),
        ("high_water", "f8"), ("day_top", "f8"),
    ]
)  # fmt: skip
