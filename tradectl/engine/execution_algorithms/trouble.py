"""What happens when orders of an algorithm are refused: it waits longer each time, asks for less, and then fails."""

from decimal import Decimal

from tradectl.engine.execution_algorithms.state import Run, Trouble
from tradectl.model.commands import AlgorithmStatus
from tradectl.model.instruments import Instrument

_SECOND = 10**9
#: Refusals in a row after which it gives up.
MAX_TRIES = 8
#: The pause after the first refusal (nanoseconds); each further one doubles it.
PAUSE, MAX_PAUSE = _SECOND, 32 * _SECOND
#: Checks that a smaller order may pass.
TOO_MUCH = frozenset(
    {"order_size", "order_value", "position_size", "strategy_position", "quantity", "margin", "gross_exposure"}
)


def note_refusal(run: Run, now: int, reason: str, check: str = "", size: Decimal | None = None) -> None:
    """An order was refused, or ended unasked without a fill: wait; ask for half of ``size`` where that may help; at
    last fail."""
    t = run.trouble
    t.count += 1
    t.reason = reason
    t.retry_at = now + min(PAUSE * 2 ** (t.count - 1), MAX_PAUSE)
    if check in TOO_MUCH and size is not None:
        t.most = size / 2
    run.note = f"refused ({t.count} of {MAX_TRIES}): {reason}"
    if t.count >= MAX_TRIES and run.ending is None:
        run.ending, run.why = AlgorithmStatus.FAILED, f"refused {t.count} times in a row: {reason}"


def note_success(run: Run) -> None:
    """An order filled: the next one is tried at once, and never larger than what was found to pass."""
    t = run.trouble
    t.count, t.reason, t.retry_at = 0, "", 0


def shrunk(trouble: Trouble, info: Instrument, qty: Decimal) -> Decimal:
    """A size on the lot, within what may pass, but not made smaller than the venue's minimum."""
    if trouble.most is None or trouble.most >= qty:
        return info.floor_qty(qty)
    return info.floor_qty(max(trouble.most, min(qty, info.min_qty)))
