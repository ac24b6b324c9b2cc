"""One run over arrays: its fills, its equity at each bar, and the figures of a sweep's row."""

from decimal import Decimal
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradectl.backtest.arrays.codes import ACCOUNT, DOUBTFUL, FILL, STAND, TROUBLES, is_undecided
from tradectl.backtest.arrays.curve import curve, figures
from tradectl.backtest.arrays.exact import simulate_exactly
from tradectl.backtest.arrays.memory import keep_freed
from tradectl.backtest.arrays.prepared import Asked, Inputs
from tradectl.backtest.arrays.rules import UNIT, refuse
from tradectl.backtest.arrays.simulate import simulate
from tradectl.backtest.job import BacktestJob
from tradectl.engine.strategy import Strategy
from tradectl.history.series import Candles, Points
from tradectl.model.instruments import Instrument
from tradectl.model.orders import Side

#: Fills there is room for beside those the signals ask for.
_ROOM = 64


class ArrayFill(NamedTuple):
    """One decision's trade in one direction: ``at`` when it filled (nanoseconds), in ``orders`` nearly equal orders."""

    at: int
    side: Side
    qty: Decimal
    price: Decimal
    fee: Decimal
    orders: int


class Figures(NamedTuple):
    """What a sweep says about one run: fractions, NaN where there is not enough to measure; amounts in the settle coin.

    ``sharpe`` and ``max_drawdown`` (<= 0) are of UTC days as ``performance`` measures them; ``trades`` are round trips
    that ended, ``profit_factor`` after fees and funding.
    """

    total_return: float
    sharpe: float
    max_drawdown: float
    trades: int
    win_rate: float
    profit_factor: float
    fees: float
    funding: float


class Raw(NamedTuple):
    """What the kernel filled in."""

    fills: Any
    stands: Any
    days: Any
    account: Any
    exact: bool


class ArrayResult:
    """What one run left; fills and the account at each bar are told when they are first looked at.

    ``exact``: redone in exact arithmetic, because a rounding decision was too near to call. ``refused`` counts entries
    a limit refused.
    """

    def __init__(self, asked: Asked, raw: Raw) -> None:
        self.asked, self.raw = asked, raw
        self.final_equity = Decimal(int(raw.account["equity"][0])) * UNIT
        self.figures = Figures(*_named(figures(asked.rules, raw.days, asked.inputs.idle, raw.account)))
        self.exact, self.refused = raw.exact, int(raw.account["refused"][0])

    def __len__(self) -> int:
        return len(self.raw.fills)

    @cached_property
    def times(self) -> NDArray[np.int64]:
        """The ends of the bars from the span's first on."""
        own = self.asked.inputs
        return own.candles.open_time[own.first :] + own.length

    @cached_property
    def equity(self) -> NDArray[np.float64]:
        """The account at each of :attr:`times`, in coin."""
        own, start = self.asked.inputs, self.asked.start
        made: NDArray[np.float64] = curve(
            self.asked.rules, own.candles.close[own.first :], self.raw.stands, own.first - start
        )
        return made

    @cached_property
    def fills(self) -> tuple[ArrayFill, ...]:
        """Every trade, in order."""
        return tuple(_fill(self.asked, it) for it in self.raw.fills.tolist())


def run_arrays(
    job: BacktestJob, candles: Candles, cls: type[Strategy], params: dict[str, Any], instrument: Instrument,
    funding: Points | None = None,
) -> ArrayResult:  # fmt: skip
    """Run ``cls`` with ``params`` over ``candles`` (with warm-up before the span, as far as there is any).

    Fills and equity are those of the event-driven run, to the last digit. Raises ``Problem`` (NOT_READY) with the
    reasons when it cannot promise that, and for parameters, data or a strategy that cannot be run.
    """
    keep_freed()
    return run_signals(Inputs(job, candles, instrument, funding, once=True).signals(cls, params))


def run_signals(asked: Asked) -> ArrayResult:
    """:func:`run_arrays` for signals that are there already. Raises ``Problem`` (NOT_READY) as it does."""
    # A decision makes two fills at most, each change of the account one stand.
    raw = raw_run(asked, 2 * int(np.count_nonzero(asked.codes)) + len(asked.inputs.funding) + _ROOM)
    refuse(troubles(int(raw.account["flags"][0])))
    return ArrayResult(asked, raw)


def troubles(flags: int) -> list[str]:
    """What stands in the way of trusting a run, in words."""
    return [text for bit, text in TROUBLES.items() if flags & bit & ~DOUBTFUL]


def raw_run(asked: Asked, room: int = _ROOM) -> Raw:
    """Run it, exactly where float64 cannot decide; with ``room`` 0 nothing is kept of fills and stands."""
    days, account = np.zeros(len(asked.inputs.days), np.int64), np.zeros(1, ACCOUNT)
    fills, stands = np.empty(room, FILL), np.empty(room, STAND)
    arguments = (*asked.arguments(), fills, stands, days, account)
    simulate(*arguments)
    most = max(int(account["fills"][0]), int(account["stands"][0]))
    if room and most > room:
        return raw_run(asked, most)
    if is_undecided(int(account["flags"][0])):
        return Raw(*simulate_exactly(asked), True)
    return Raw(fills[: account["fills"][0]], stands[: account["stands"][0]], days, account, False)


def _named(row: Any) -> tuple[Any, ...]:
    values = row.tolist()
    return (*values[:3], int(values[3]), *values[4:])


def _fill(asked: Asked, row: tuple[int, ...]) -> ArrayFill:
    _, lots, ticks, fee, orders, decided = row
    it, own = asked.inputs.instrument, asked.inputs
    latency = own.job.models.latency
    at = int(own.candles.open_time[asked.start + decided]) + own.length
    at += latency.market(at)
    at += latency.order(at)
    side = Side.BUY if lots > 0 else Side.SELL
    return ArrayFill(at, side, abs(lots) * it.lot_size, ticks * it.tick_size, fee * UNIT, orders)
