"""Backtests from Python: ``from tradectl import backtest, history``, then ``backtest(EmaCross, data, fast=12)``."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from tradectl.backtest.engines import Engine
from tradectl.backtest.frame import Frame
from tradectl.backtest.job import BacktestResult
from tradectl.backtest.tables import equity_of, fills_of, metrics_of, orders_of, trades_of
from tradectl.engine.risk_limits import RiskLimits
from tradectl.engine.strategy import Strategy
from tradectl.history.reading import History
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.money import use_exact_context
from tradectl.simulation.models import Models

When = str | int | date | datetime


class BacktestRun:
    """A finished backtest. Tables hand themselves over with ``to_arrow()``, ``to_pandas()`` and ``to_polars()``."""

    def __init__(self, result: BacktestResult) -> None:
        self.result = result

    @property
    def trades(self) -> Frame:
        """Round trips: a position from flat to flat."""
        return trades_of(self.result)

    @property
    def fills(self) -> Frame:
        """Executions and funding payments, as they were booked."""
        return fills_of(self.result)

    @property
    def orders(self) -> Frame:
        """Each order in its last state."""
        return orders_of(self.result)

    @property
    def equity(self) -> Frame:
        """Equity and gross exposure at the samples."""
        return equity_of(self.result)

    @property
    def metrics(self) -> Frame:
        """Every figure by name, in fractions; ``metrics["value"]`` are the numbers."""
        return metrics_of(self.result)

    def report(self, path: str | Path, hide_amounts: bool = False) -> Path:
        """Write the HTML page; returns where it is."""
        from tradectl.backtest.report.html import page

        use_exact_context()
        target = Path(path).expanduser()
        target.write_text(page(self.result, hide_amounts), encoding="utf-8")
        return target

    def __repr__(self) -> str:
        from tradectl.backtest.report.figures import total_return
        from tradectl.backtest.report.html.words import count, number, percent

        found = self.result.metrics
        return (
            f"<backtest {percent(total_return(self.result), 2, True)}, Sharpe {number(found.sharpe)}, drawdown "
            f"{percent(found.max_drawdown)}, {count(found.trades.trades, 'trade')}>"
        )

    def _repr_html_(self) -> str:
        """The tiles of the report, for a notebook."""
        from tradectl.backtest.report.html.whole import fragment

        use_exact_context()
        return fragment(self.result)


def backtest(
    strategy: type[Strategy] | str, data: History | str | Path | Sequence[str | Path], *,
    symbol: str | Sequence[str] = (), category: str = "linear", interval: str = "", data_interval: str = "",
    since: When = 0, until: When = 0, cash: Decimal | int | float | str = 10_000,
    capital: Decimal | int | float | str = 1, leverage: Decimal | int | float | str = 1, models: Models | None = None,
    limits: RiskLimits | None = None, hedge: bool = False, keep_decisions: bool = False,
    by: str = "auto", engine: Engine = "auto", parameters: dict[str, Any] | None = None, **params: Any,
) -> BacktestRun:  # fmt: skip
    """Run a strategy over history and return what came of it.

    ``strategy`` is a class or the name of a built-in one; ``data`` a history (``history.load``) or files. Everything
    not named here is a parameter of the strategy, and so is what ``parameters`` holds (for those whose name is taken).
    ``by`` is what moves the market: candles, trades, quotes, book, or auto, the finest that was recorded throughout.
    ``engine`` is events, arrays, or auto: arrays where they leave the same result sooner (docs/backtest.md).
    Times are ``2024-01-31``, ISO 8601, dates, or nanoseconds; without a zone they are UTC.
    Raises ``Problem`` with the reason and what to do.
    """
    from tradectl.backtest.choice import run_by
    from tradectl.backtest.request import Request, job_of

    use_exact_context()
    name, cls = _class(strategy)
    there = _history(data)
    request = Request(
        strategy=name, symbols=(symbol,) if isinstance(symbol, str) else tuple(symbol), category=category,
        interval=interval, data_interval=data_interval, since=_moment("since", since), until=_moment("until", until),
        params={**(parameters or {}), **params}, cash=_amount("cash", cash), capital=_amount("capital", capital),
        leverage=_amount("leverage", leverage), models=models or Models(), limits=limits, hedge=hedge,
        keep_decisions=keep_decisions, by=by,
    )  # fmt: skip
    return BacktestRun(run_by(engine, job_of(request, there, cls), there, {name: cls}))


def _class(strategy: type[Strategy] | str) -> tuple[str, type[Strategy]]:
    if isinstance(strategy, type) and issubclass(strategy, Strategy):
        return strategy.__name__, strategy
    if not isinstance(strategy, str):
        raise _wrong("strategy", strategy, "a class of Strategy or the name of a built-in one is needed")
    from tradectl.strategies.loader import load_class

    return strategy, load_class(strategy, None)


def _history(data: History | str | Path | Sequence[str | Path]) -> History:
    if isinstance(data, str | Path):
        return load(data)
    if isinstance(data, Sequence):
        return load(*data)
    return data


def load(*paths: str | Path) -> History:
    """The history in these files or folders; without any, the data store. Raises ``Problem``."""
    from tradectl.history import load as load_history

    return load_history(*paths)


def _moment(name: str, when: When) -> int:
    if isinstance(when, int):
        return when
    try:
        found = datetime.fromisoformat(when if isinstance(when, str) else when.isoformat())
    except ValueError:
        raise _wrong(name, when, "a time such as 2024-01-31 or 2024-01-31T12:00 is needed") from None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    return int(found.timestamp()) * 10**9 + found.microsecond * 1000


def _amount(name: str, value: Decimal | int | float | str) -> Decimal:
    try:
        found = Decimal(str(value))
    except ArithmeticError:
        raise _wrong(name, value, "a number is needed") from None
    if not found.is_finite() or found < 0:
        raise _wrong(name, value, "a number that is not negative is needed")
    return found


def _wrong(name: str, value: object, rule: str) -> Problem:
    return Problem(ErrorCode.INVALID_REQUEST, f"{name} is {value!r}: {rule}", field=name)
