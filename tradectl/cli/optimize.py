"""``optimize``: the search over a strategy's parameters, and how far its winner may be believed."""

from typing import TYPE_CHECKING, Literal

import typer

from tradectl.cli import assumptions as assumed
from tradectl.cli.command import noun, screen_of
from tradectl.cli.screen import Screen
from tradectl.cli.words import UsageError

if TYPE_CHECKING:
    from tradectl.backtest.optimise.whole import Further
    from tradectl.backtest.optimise.windows import Walk

app = noun("Search for a strategy's parameters.")
PARAMS = typer.Option(
    [], "--param", metavar="NAME=RANGE",
    help="low:high, low:high:step, low:high:log, a,b,c, : (as declared), or one value to hold; repeat for several.",
)  # fmt: skip
CONSTRAINTS = typer.Option(
    [], "--constraint", metavar="RULE", help="On measures, such as 'trades >= 30', or MODULE:FUNCTION; repeatable."
)


@app.command()
def optimize(
    ctx: typer.Context,
    strategy: str = assumed.STRATEGY,
    symbol: list[str] = assumed.SYMBOLS,
    category: Literal["linear", "spot", "inverse"] = assumed.CATEGORY,
    interval: str = assumed.INTERVAL,
    data_interval: str = assumed.DATA_INTERVAL,
    since: str = assumed.SINCE,
    until: str = assumed.UNTIL,
    data: list[str] = assumed.DATA,
    param: list[str] = PARAMS,
    where: list[str] = assumed.WHERE,
    objective: str = typer.Option(
        "sharpe",
        "--objective",
        metavar="GOALS",
        help="Measures NAME[:max|:min] or MODULE:FUNCTION[:max|:min], by commas.",
    ),
    constraint: list[str] = CONSTRAINTS,
    trials: int = typer.Option(100, "--trials", min=1, help="How many combinations are tried (a grid: all there are)."),
    sampler: Literal["tpe", "cmaes", "grid", "random"] = typer.Option("tpe", "--sampler", help="Who proposes them."),
    pruner: Literal["median", "hyperband", "none"] = typer.Option(
        "none", "--pruner", help="Give poor ones up after an eighth or a quarter of the span."
    ),
    seed: int = typer.Option(0, "--seed", min=0, help="With one worker the same seed gives the same study."),
    workers: int = typer.Option(1, "--workers", min=1, max=256, help="Processes of this machine."),
    study: str = typer.Option("", "--study", metavar="NAME", help="Keep the study under this name, or go on with it."),
    storage: str = typer.Option(
        "",
        "--storage",
        metavar="URL",
        help="Where: sqlite:///FILE or postgresql://...; also $TRADECTL_STORAGE, which hides a password.",
    ),
    worker: bool = typer.Option(False, "--worker", help="Only help with a study that another machine began."),
    walk: Literal["rolling", "anchored", "none"] = typer.Option(
        "none", "--walk-forward", help="Also search window by window and test each winner on what follows."
    ),
    train: str = typer.Option("90d", "--train", metavar="SPAN", help="Length of each search window."),
    test: str = typer.Option("30d", "--test", metavar="SPAN", help="Length of each test."),
    step: str = typer.Option("", "--step", metavar="SPAN", help="From window to window (default: the test's length)."),
    embargo: str = typer.Option("0d", "--embargo", metavar="SPAN", help="Left out between search and test."),
    monte_carlo: int = typer.Option(0, "--monte-carlo", min=0, help="So many draws of the best one's trades and days."),
    paths: int = typer.Option(0, "--paths", min=0, help="So many runs of the best one on redrawn prices."),
    ruin: float = typer.Option(0.5, "--ruin", min=0, max=0.99, help="What share of the start counts as ruin."),
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
    engine: Literal["auto", "events", "arrays"] = typer.Option(
        "auto", "--engine", help="Trials over arrays where strategy and job allow it, or one of the two by force."
    ),
    report: str = typer.Option("", "--report", metavar="FILE", help="Write the best run's report as one HTML page."),
    keep: bool = typer.Option(True, "--keep/--no-keep", help="Keep it among the runs (runs list)."),
) -> None:
    """Search for a strategy's parameters, and say with every result how far it may be believed.

    Each trial is a backtest. Beside the best: how many were tried, the Sharpe ratio deflated by that number, and the
    probability that the choice is overfitted. Ctrl-C shows what there is by then; a named study goes on later.
    """
    from tradectl.backtest.request import Request
    from tradectl.cli.search import run_search
    from tradectl.cli.when import moment
    from tradectl.model.money import use_exact_context

    use_exact_context()
    screen = screen_of(ctx)
    request = Request(
        strategy=strategy, symbols=tuple(symbol), category=category, interval=interval, data_interval=data_interval,
        since=moment(since) if since else 0, until=moment(until) if until else 0, params=_held(param),
        cash=assumed.amount_of("cash", cash), capital=assumed.amount_of("capital", capital),
        leverage=assumed.amount_of("leverage", leverage),
        models=assumed.models_of(
            fees, spread_ticks, spread_bps, slippage_bps, impact_bps, latency_ms, volume_share, funding
        ),
        limits=assumed.limits_of(screen, limits), hedge=hedge,
    )  # fmt: skip
    asked = {
        "objective": objective, "constraints": tuple(constraint), "trials": trials, "sampler": sampler,
        "pruner": pruner, "seed": seed, "workers": workers, "study": study,
        "storage": _storage(screen, storage, study, workers, worker),
    }  # fmt: skip
    further = _further(_walk(walk, train, test, step, embargo), monte_carlo, paths, ruin)
    run_search(screen, request, data, (param, where), asked, engine, further, worker, report, keep)


def _held(texts: list[str]) -> dict[str, str]:
    """Those of ``--param`` that name one value: the job is made with them."""
    pairs = [text.partition("=") for text in texts]
    return {name.strip(): value.strip() for name, _, value in pairs if value and not {":", ","} & set(value)}


def _storage(screen: Screen, given: str, study: str, workers: int, worker: bool) -> str:
    import os

    address = given or os.environ.get("TRADECTL_STORAGE", "")
    if ":" in given.partition("://")[2].rpartition("@")[0]:
        raise UsageError("--storage holds a password, which every process list shows: put it into $TRADECTL_STORAGE")
    if worker and not study:
        raise UsageError("--worker helps with a study: name it with --study")
    if address or not (study or workers > 1):
        return address
    from tradectl.backtest.optimise.study import default_storage
    from tradectl.cli.quick import paths_of

    return default_storage(paths_of(screen.options).research)


def _span(option: str, text: str) -> int:
    units = {"h": 3600, "d": 86_400, "w": 604_800}
    if not text[:-1].isdecimal() or text[-1] not in units:
        raise UsageError(f"{option} {text!r}: write a span such as 12h, 90d or 4w")
    return int(text[:-1]) * units[text[-1]] * 10**9


def _walk(kind: str, train: str, test: str, step: str, embargo: str) -> "Walk | None":
    if kind == "none":
        return None
    from tradectl.backtest.optimise.windows import Walk

    return Walk(
        kind=kind,  # type: ignore[arg-type]
        train=_span("--train", train), test=_span("--test", test), step=_span("--step", step) if step else 0,
        embargo=_span("--embargo", embargo),
    )  # fmt: skip


def _further(walk: "Walk | None", draws: int, paths: int, ruin: float) -> "Further":
    from tradectl.backtest.optimise.whole import Further

    return Further(walk=walk, draws=draws, paths=paths, ruined=ruin)
