"""Where the data has mark prices, margin, mark triggers and funding look at them and not at the last price."""

from decimal import Decimal

import numpy as np
import pytest

from tests.unit.backtest.candles import BTC, MINUTE, START, candles, instrument, job, of_closes
from tests.unit.backtest.test_runner import Scripted, scripted
from tradectl.backtest.arrays.loaded import Loaded
from tradectl.backtest.job import BacktestResult
from tradectl.backtest.marks import Marks
from tradectl.backtest.runner import run_backtest
from tradectl.engine.strategy import Strategy
from tradectl.history.reading import MemoryHistory
from tradectl.history.series import Candles, Kind, Points, SeriesId
from tradectl.model.errors import Problem
from tradectl.model.market_data import Bar

D = Decimal
MARK = SeriesId(BTC, Kind.MARK, "1m")


def run(
    prices: Candles, marks: Candles | None, plan: dict[int, str], classes: dict[str, type[Strategy]] | None = None,
    funding: Points | None = None, **more: object,
) -> BacktestResult:  # fmt: skip
    data = {SeriesId(BTC, Kind.CANDLES, "1m"): prices}
    data |= {MARK: marks} if marks is not None else {}  # type: ignore[dict-item]
    data |= {SeriesId(BTC, Kind.FUNDING): funding} if funding is not None else {}  # type: ignore[dict-item]
    work = job({BTC: prices}, "scripted", **more)
    return run_backtest(work, MemoryHistory(data, [instrument()]), classes or scripted(plan))


FLAT = [100.0] * 6
DIP = [(100.0, 100.0, 100.0, 100.0)] * 3 + [(100.0, 100.0, 80.0, 100.0)] + [(100.0, 100.0, 100.0, 100.0)] * 2
TEN = {"leverage": D(10), "cash": D(110)}


@pytest.mark.parametrize(
    ("last", "marks", "ruined"),
    [
        (of_closes(FLAT), None, False),
        (candles(DIP), None, True),
        (candles(DIP), of_closes(FLAT), False),
        (of_closes(FLAT), candles(DIP), True),
    ],
)
def test_who_is_ruined_is_said_by_the_mark(last: Candles, marks: Candles | None, ruined: bool) -> None:
    done = run(last, marks, {1: "buy:10"}, **TEN)
    assert any(it.execution.type == "BustTrade" for it in done.executions) is ruined
    words = dict(done.models)["mark"]
    assert words == ("mark prices are those of the data" if marks is not None else
                     "mark = last price: the data has no mark prices")  # fmt: skip


def test_funding_is_the_value_at_mark_and_equity_is_at_mark() -> None:
    at = START + 3 * MINUTE
    funding = Points(np.array([at]), np.array([0.001]))
    marks = of_closes([100.0, 100.0, 104.0, 105.0, 106.0, 106.0])
    done = run(of_closes(FLAT), marks, {1: "buy:2"}, funding=funding)
    (paid,) = [it.execution for it in done.executions if it.execution.type == "Funding"]
    assert paid.fee == D("0.208")  # 2 x 104 x 0.001: the mark as the bar before the settlement closed
    assert done.final_equity == D(10_000) - D("0.11") - D("0.208") + 2 * 6


class MarkStop(Scripted):
    """Buys, and then waits with a stop that looks at the mark."""

    def on_bar(self, bar: Bar) -> None:
        self.count += 1
        if self.count == 1:
            self.buy(self.symbol, D(1), reason="plan")
        elif self.count == 2:
            self.sell(self.symbol, D(1), stop=D(95), trigger_by="mark", reduce_only=True, reason="plan")


def test_a_stop_by_the_mark_waits_for_the_mark() -> None:
    marks = of_closes([100.0, 100.0, 100.0, 100.0, 100.0, 94.0])
    stopped: dict[str, type[Strategy]] = {"scripted": MarkStop}
    done = run(candles(DIP), marks, {}, stopped)
    bought, sold = (it.execution for it in done.executions)
    assert (bought.price, sold.price) == (D("100"), D("100"))
    assert sold.ts > START + 5 * MINUTE


def test_a_missing_mark_stays_where_it_was() -> None:
    rows = of_closes([100.0, 101.0, 102.0, 103.0])
    some = Candles(*(column[[1, 3]] for column in rows.arrays()))
    marks = Marks(MemoryHistory({MARK: some}), {BTC: MARK}, [BTC], 0, 2**62)
    found = [marks.at(0, START + n * MINUTE) for n in range(6)]
    assert found[0] is None
    assert found[1] == (100.0, 101.0, 100.0, 101.0)
    assert found[2] == (101.0,) * 4
    assert found[3] == (102.0, 103.0, 102.0, 103.0)
    assert found[4] == found[5] == (103.0,) * 4


def test_runs_over_arrays_leave_marks_to_the_event_driven_run() -> None:
    prices = of_closes(FLAT)
    work = job({BTC: prices}, "scripted")
    minutes = SeriesId(BTC, Kind.CANDLES, "1m")
    Loaded(work, MemoryHistory({minutes: prices}, [instrument()]))
    with pytest.raises(Problem, match="mark prices"):
        Loaded(work, MemoryHistory({minutes: prices, MARK: prices}, [instrument()]))
