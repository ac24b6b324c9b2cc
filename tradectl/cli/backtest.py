"""``backtest``: a strategy over recorded candles, by the engine that trades live."""

from typing import TYPE_CHECKING, Any, Literal

import typer

from tradectl.cli import assumptions as assumed
from tradectl.cli.command import noun, screen_of
from tradectl.cli.screen import Screen
from tradectl.cli.words import UsageError

if TYPE_CHECKING:
    from tradectl.backtest.engines import Engine
    from tradectl.backtest.job import BacktestJob, BacktestResult
    from tradectl.backtest.request import Request
    from tradectl.history.reading import History

app = noun("Test a strategy on recorded candles.")
PARAMS = typer.Option(
    [],
    "--param",
    metavar="NAME=VALUE",
    help="A parameter, or CLASS.NAME=VALUE of one of several strategies; repeat for several.",
)
STRATEGIES = typer.Argument(
    help="Built-in classes, files of the strategies folder, or MODULE:CLASS of it; several share the account."
)
SWEEP = typer.Option(
    [],
    "--sweep",
    metavar="RANGES",
    help="Every combination over arrays: fast=2:50,slow=5:200:5 or kind=sma,ema; repeatable.",
)
ENGINE = typer.Option(
    "auto", "--engine",
    help="events, or arrays for a class that declares its signals; auto: arrays for a built-in one where the result is "
    "the same to the last digit and there sooner (200,000 candles, 3,000,000 before kernels are compiled).",
)  # fmt: skip
INTERRUPTED = 130
FAILED = 1


@app.command()
def backtest(
    ctx: typer.Context,
    strategy: list[str] = STRATEGIES,
    symbol: list[str] = assumed.SYMBOLS,
    category: Literal["linear", "spot", "inverse"] = assumed.CATEGORY,
    interval: str = assumed.INTERVAL,
    data_interval: str = assumed.DATA_INTERVAL,
    by: Literal["auto", "candles", "trades", "quotes", "book"] = assumed.BY,
    since: str = assumed.SINCE,
    until: str = assumed.UNTIL,
    param: list[str] = PARAMS,
    data: list[str] = assumed.DATA,
    cash: str = assumed.CASH,
    capital: str = assumed.CAPITAL,
    leverage: str = assumed.LEVERAGE,
    fees: str = assumed.FEES,
    spread_ticks: int = assumed.SPREAD_TICKS,
    spread_bps: float = assumed.SPREAD_BPS,
    slippage_bps: float = assumed.SLIPPAGE_BPS,
    impact_bps: float = assumed.IMPACT_BPS,
    latency_ms: float = assumed.LATENCY_MS,
    volume_share: float = assumed.VOLUME_SHARE,
    funding: str = assumed.FUNDING,
    limits: Literal["wide", "profile"] = assumed.LIMITS,
    hedge: bool = assumed.HEDGE,
    engine: Literal["auto", "events", "arrays"] = ENGINE,
    report: str = typer.Option("", "--report", metavar="FILE", help="Write the report as one HTML page."),
    check_lookahead: bool = typer.Option(False, "--check-lookahead", help="Change the future: the past must not move."),
    check_warmup: bool = typer.Option(False, "--check-warmup", help="Begin later: the same bars must decide the same."),
    sweep: list[str] = SWEEP,
    where: list[str] = assumed.WHERE,
    sort: Literal["sharpe", "total_return"] = typer.Option("sharpe", "--sort", help="What a sweep is ranked by."),
    keep: bool = typer.Option(True, "--keep/--no-keep", help="Keep it among the runs (runs list)."),
) -> None:
    """Test a strategy on recorded market data: the engine, risk checks and books that trade live, over a simulated
    venue that candles move, or the prints, quotes and books that were recorded.

    Ctrl-C ends it early and shows what there is by then. Exit code 1 when the strategy stops on an error of its own or
    a check of honesty fails.

    --sweep takes a strategy that declares its signals as arrays through every combination of parameters at once, runs
    the best one again event-driven, and says how much of its Sharpe ratio so many tries leave.
    """
    from tradectl.backtest.request import Request
    from tradectl.cli.when import moment
    from tradectl.model.money import use_exact_context

    use_exact_context()
    screen = screen_of(ctx)
    request = Request(
        strategy=strategy[0], symbols=tuple(symbol), category=category, interval=interval, data_interval=data_interval,
        since=moment(since) if since else 0, until=moment(until) if until else 0,
        params=dict(map(assumed.pair_of, param)), cash=assumed.amount_of("cash", cash),
        capital=assumed.amount_of("capital", capital), leverage=assumed.amount_of("leverage", leverage),
        models=assumed.models_of(
            fees, spread_ticks, spread_bps, slippage_bps, impact_bps, latency_ms, volume_share, funding
        ),
        limits=assumed.limits_of(screen, limits), hedge=hedge, by=by,
    )  # fmt: skip
    if sweep:
        from tradectl.cli.sweep import run_sweep

        if len(strategy) > 1 or check_lookahead or check_warmup:
            raise UsageError("--sweep is for one strategy, and its checks are for one run")
        if engine == "events":
            raise UsageError("--sweep is over arrays: tradectl optimize --sampler grid --engine events tries events")
        run_sweep(screen, request, data, (sweep, where, sort), report, keep)
    elif where:
        raise UsageError("--where is a rule of --sweep: give ranges, such as --sweep fast=2:50,slow=5:200:5")
    else:
        if engine == "arrays" and (check_lookahead or check_warmup):
            raise UsageError("the checks of honesty are of events: leave --engine out")
        _run(screen, request, strategy, data, report, keep, (check_lookahead, check_warmup), engine)


def _run(
    screen: Screen, request: "Request", names: list[str], data: list[str], report: str, keep: bool,
    checks: tuple[bool, bool], engine: "Engine",
) -> None:  # fmt: skip
    from msgspec.structs import replace

    from tradectl.backtest.choice import run_by
    from tradectl.backtest.request import job_of_all, params_for
    from tradectl.cli.research import classes_of, history_of, interruptible, progress_of

    history = history_of(data, request.symbols)
    classes = {name: cls for one in names for name, cls in classes_of(screen, one).items()}
    alone, share = len(names) == 1, request.capital / len(names)
    requests = [
        replace(request, strategy=it, params=params_for(classes[it], it, request.params, alone), capital=share)
        for it in names
    ]
    job = job_of_all(requests, history, classes)
    if any(checks):
        _check(screen, job, history, classes, checks)
        return
    with interruptible() as stop, progress_of(screen) as progress:
        result = run_by(engine, job, history, classes, progress, stop)
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
