"""``backtest``: a strategy over recorded candles, by the engine that trades live."""

from typing import TYPE_CHECKING, Any, Literal

import typer

from tradectl.cli.command import noun, screen_of
from tradectl.cli.screen import Screen
from tradectl.cli.words import UsageError

if TYPE_CHECKING:
    from tradectl.backtest.job import BacktestJob, BacktestResult
    from tradectl.backtest.request import Request
    from tradectl.history.reading import History

app = noun("Test a strategy on recorded candles.")
SYMBOLS = typer.Option([], "--symbol", metavar="SYMBOL", help="What to trade; repeat for several.")
PARAMS = typer.Option([], "--param", metavar="NAME=VALUE", help="A parameter; repeat for several.")
DATA = typer.Option([], "--data", metavar="PATH", help="Files or folders (default: the data store).")
INTERRUPTED = 130
FAILED = 1


@app.command()
def backtest(
    ctx: typer.Context,
    strategy: str = typer.Argument(help="A built-in class, a file of the strategies folder, or MODULE:CLASS of it."),
    symbol: list[str] = SYMBOLS,
    category: Literal["linear", "spot", "inverse"] = typer.Option("linear", "--category", help="Product family."),
    interval: str = typer.Option("", "--interval", help="Candles the strategy sees (default: its own parameter)."),
    data_interval: str = typer.Option("", "--data-interval", help="Candles the market moves by (default: the same)."),
    since: str = typer.Option("", "--since", metavar="WHEN", help="A date, time or age; default: the first candle."),
    until: str = typer.Option("", "--until", metavar="WHEN", help="A date, time or age; default: the last candle."),
    param: list[str] = PARAMS,
    data: list[str] = DATA,
    cash: str = typer.Option("10000", "--cash", help="What the account begins with, in USDT."),
    capital: str = typer.Option("1", "--capital", help="Share of equity the strategy may use."),
    leverage: str = typer.Option("1", "--leverage", help="Leverage of positions."),
    fees: str = typer.Option("", "--fees", metavar="MAKER,TAKER", help="Rates such as 0.0002,0.00055 (default VIP 0)."),
    spread_ticks: int = typer.Option(1, "--spread-ticks", min=0, help="Bid and ask so many ticks from the price."),
    spread_bps: float = typer.Option(0.0, "--spread-bps", min=0, help="... at least so many basis points."),
    slippage_bps: float = typer.Option(0.0, "--slippage-bps", min=0, help="Takers trade so much worse than the touch."),
    impact_bps: float = typer.Option(0.0, "--impact-bps", min=0, help="... and this x sqrt(share of the volume)."),
    latency_ms: float = typer.Option(0.0, "--latency-ms", min=0, help="From decision to the venue's book."),
    volume_share: float = typer.Option(
        0.0, "--volume-share", min=0, max=1, help="Most of a bar's volume; 0: no bound."
    ),
    funding: str = typer.Option("0", "--funding", help="Rate where the data has none, such as 0.0001."),
    limits: Literal["wide", "profile"] = typer.Option(
        "wide", "--limits", help="Risk limits: none that bind early, or those of the settings."
    ),
    hedge: bool = typer.Option(False, "--hedge", help="Hold longs and shorts apart."),
    report: str = typer.Option("", "--report", metavar="FILE", help="Write the report as one HTML page."),
    check_lookahead: bool = typer.Option(False, "--check-lookahead", help="Change the future: the past must not move."),
    check_warmup: bool = typer.Option(False, "--check-warmup", help="Begin later: the same bars must decide the same."),
    keep: bool = typer.Option(True, "--keep/--no-keep", help="Keep it among the runs (runs list)."),
) -> None:
    """Test a strategy on recorded candles: the engine, risk checks and books that trade live, over a simulated venue.

    Ctrl-C ends it early and shows what there is by then. Exit code 1 when the strategy stops on an error of its own or
    a check of honesty fails.
    """
    from tradectl.backtest.request import Request
    from tradectl.cli.when import moment
    from tradectl.model.money import use_exact_context

    use_exact_context()
    screen = screen_of(ctx)
    request = Request(
        strategy=strategy, symbols=tuple(symbol), category=category, interval=interval, data_interval=data_interval,
        since=moment(since) if since else 0, until=moment(until) if until else 0, params=dict(map(_pair, param)),
        cash=_amount("cash", cash), capital=_amount("capital", capital), leverage=_amount("leverage", leverage),
        models=_models(fees, spread_ticks, spread_bps, slippage_bps, impact_bps, latency_ms, volume_share, funding),
        limits=_limits(screen, limits), hedge=hedge,
    )  # fmt: skip
    _run(screen, request, data, report, keep, (check_lookahead, check_warmup))


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip().isidentifier():
        raise UsageError(f"--param {text!r}: write NAME=VALUE, such as fast=12")
    return name.strip(), value.strip()


def _amount(name: str, text: str) -> Any:
    from tradectl.model.money import parse_amount

    try:
        found = parse_amount(text)
    except ValueError as error:
        raise UsageError(f"--{name}: {error}") from None
    if found is None or found < 0:
        raise UsageError(f"--{name} {text!r}: a number that is not negative is needed")
    return found


def _models(
    fees: str, ticks: int, spread: float, slippage: float, impact: float, latency: float, share: float, funding: str
) -> Any:
    from tradectl.simulation import models as m

    return m.Models(
        fees=_fees(fees), spread=m.FixedSpread(ticks, spread), slippage=m.FixedSlippage(slippage, impact),
        latency=m.FixedLatency(0, int(latency * 1e6), 0), liquidity=m.VolumeShare(share),
        funding=m.FixedFunding(_rate("funding", funding)),
    )  # fmt: skip


def _rate(name: str, text: str) -> Any:
    from tradectl.model.money import parse_amount

    try:
        found = parse_amount(text)
    except ValueError as error:
        raise UsageError(f"--{name}: {error}") from None
    if found is None or abs(found) > 1:
        raise UsageError(f"--{name} {text!r}: a fraction is needed, such as 0.0005")
    return found


def _fees(text: str) -> Any:
    from tradectl.matching.views import AccountFees
    from tradectl.simulation.models import TierFees

    if not text:
        return TierFees()
    maker, comma, taker = text.partition(",")
    if not comma:
        raise UsageError(f"--fees {text!r}: write MAKER,TAKER, such as 0.0002,0.00055")
    low, high = _rate("fees", maker), _rate("fees", taker)
    return TierFees(AccountFees(low, high, low, high), "as given")


def _limits(screen: Screen, which: str) -> Any:
    if which == "wide":
        return None
    from tradectl.cli.strategies import folder_of

    return folder_of(screen)[0].risk


def _run(
    screen: Screen, request: "Request", data: list[str], report: str, keep: bool, checks: tuple[bool, bool]
) -> None:
    from tradectl.backtest.request import job_of
    from tradectl.backtest.runner import run_backtest
    from tradectl.cli.research import classes_of, history_of, interruptible, progress_of

    history = history_of(data, request.symbols)
    classes = classes_of(screen, request.strategy)
    job = job_of(request, history, classes[request.strategy])
    if any(checks):
        _check(screen, job, history, classes, checks)
        return
    with interruptible() as stop, progress_of(screen) as progress:
        result = run_backtest(job, history, classes, progress, stop)
    _finish(screen, job, result, report, keep)


def _finish(screen: Screen, job: "BacktestJob", result: "BacktestResult", report: str, keep: bool) -> None:
    from tradectl.backtest.report.figures import summary
    from tradectl.cli.draw.backtest import backtest_table
    from tradectl.cli.research import keep_run, write_report

    data = summary(result)
    if keep:
        data = {"id": keep_run(screen, result), **data}
    if report:
        write_report(screen, result, report)
    screen.show(data, backtest_table)
    if result.interrupted:
        raise typer.Exit(INTERRUPTED)
    for name, why in result.stopped.items():
        screen.fail(f"{name} stopped before the end: {why}", "correct the strategy; its figures mean nothing")
    if result.stopped:
        raise typer.Exit(FAILED)


def _check(screen: Screen, job: "BacktestJob", history: "History", classes: Any, checks: tuple[bool, bool]) -> None:
    from tradectl.backtest.honesty import lookahead, warm_up
    from tradectl.cli.draw.honesty import honesty_table

    found = ([lookahead(job, history, classes)] if checks[0] else []) + (
        [warm_up(job, history, classes)] if checks[1] else []
    )
    screen.show({"checks": [it.row() for it in found]}, honesty_table)
    if not all(it.ok for it in found):
        raise typer.Exit(FAILED)
