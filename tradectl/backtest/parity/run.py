"""Parity of one recorded run, from its journal to the report: what ``tradectl parity`` calls."""

from collections.abc import Callable

from msgspec import Struct

from tradectl.backtest.parity.again import again
from tradectl.backtest.parity.orders import Units, side_of
from tradectl.backtest.parity.report import WINDOW, ParityReport, compare
from tradectl.backtest.parity.touches import touches_of
from tradectl.backtest.recorded import Recorded
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.money import exact, use_exact_context


class Parity(Struct, frozen=True):
    """A comparison and what it was made under. ``marks`` are the prices at which what is held at the end counts."""

    run: str
    mode: str
    began: int
    ended: int
    report: ParityReport
    models: tuple[tuple[str, str], ...]
    marks: dict[str, float]
    stopped: dict[str, str]


def parity_of(recorded: Recorded, progress: Callable[[int], None] = lambda seq: None, window: int = WINDOW) -> Parity:
    """Run the backtest on the data of ``recorded`` and explain every difference.

    ``window`` is how far apart two decisions may be that count as one (nanoseconds). Raises ``Problem`` when its market
    data was pruned, or there is none.
    """
    use_exact_context()
    facts = recorded.facts
    if not facts.began or facts.start is None:
        raise Problem(
            ErrorCode.NOT_FOUND, f"run {recorded.run} has no market data, or never read its account", field="run",
            reason="a backtest needs both", remedy="choose a run that traded",
        )  # fmt: skip
    ledger, models = again(recorded, progress)
    sides = side_of(facts.ledger), side_of(ledger)
    marks = {i: exact(price) for i, price in facts.marks.items()}
    traded = {order.instrument for side in sides for order in side.orders if order.pieces}
    lacking = sorted(str(it) for it in traded - marks.keys())
    if lacking:
        raise Problem(
            ErrorCode.NOT_FOUND, f"no price of {', '.join(lacking)} was recorded", field="run",
            reason="what was traded must be valued at one price at the end", remedy="choose a run that followed them",
        )  # fmt: skip
    report = compare(*sides, Units(facts.instruments, marks), touches_of(recorded, *sides).touch, window)
    prices = {str(i): price for i, price in facts.marks.items()}
    return Parity(
        recorded.run, recorded.mode, facts.began, facts.ended, report, models.describe(), prices, ledger.stopped
    )
