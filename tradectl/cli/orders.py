"""``orders``: list, show, place, amend, cancel."""

from typing import Any, Literal

import typer

from tradectl.cli.command import (
    CATEGORY,
    CATEGORY_FILTER,
    LIMIT,
    STRATEGY,
    SYMBOL,
    Category,
    call,
    draw_done,
    given,
    noun,
    read,
    screen_of,
)
from tradectl.cli.draw.lists import algorithms_table, draw_orders, grid, orders_table, trades_table
from tradectl.cli.screen import Screen
from tradectl.cli.text import plain, rounded
from tradectl.cli.when import moment
from tradectl.cli.words import UsageError

app = noun("Orders: list, show, place, amend, cancel.")
Row = dict[str, Any]
SETTINGS = typer.Option([], "--set", metavar="NAME=VALUE", help="A parameter of the algorithm.")
ALGORITHMS = "twap, vwap, iceberg, chase, grid, dca, scaled"


@app.command("list")
def list_(
    ctx: typer.Context,
    symbol: str = SYMBOL,
    category: Category | None = CATEGORY_FILTER,
    strategy: str = STRATEGY,
    every: bool = typer.Option(False, "--all", help="Also orders that ended and the daemon still remembers."),
    history: bool = typer.Option(False, "--history", help="From the database: every order ever, newest first."),
    since: str = typer.Option("", "--since", metavar="WHEN", help="With --history: an age (2h, 7d) or a time."),
    limit: int = LIMIT,
    cursor: str = typer.Option("", "--cursor", help="With --history: go on where the last answer ended."),
) -> None:
    """List open orders."""
    params = given(symbol=symbol.upper(), category=category, strategy=strategy, limit=limit)
    if not history:
        if since or cursor:
            raise UsageError("--since and --cursor need --history")
        read(ctx, ("orders", "list"), params | ({"open_only": False} if every else {}))
        return
    screen = screen_of(ctx)
    params |= given(since=moment(since) if since else None, cursor=cursor)
    screen.show(call(screen, "orders.history", store=True, **params), draw_orders)


def _draw_detail(screen: Screen, data: Row) -> str:
    parts = [orders_table(screen, [data["order"]])]
    if data["order"]["reason"]:
        parts.append(data["order"]["reason"])
    if data["decision"]:
        decision = data["decision"]
        parts.append(f"decision {decision['id']} of {decision['strategy'] or decision['who']}: {decision['reason']}")
        parts.append(_checks(screen, decision["checks"]))
    parts.append(trades_table(screen, data["trades"]))
    return "\n\n".join(part for part in parts if part)


def _checks(screen: Screen, checks: list[Row]) -> str:
    rows = [
        [screen.paint("ok", "green") if check["ok"] else screen.paint("NO", "red"), check["name"], check["limit"],
         check["value"], check["reason"]]
        for check in checks
    ]  # fmt: skip
    return grid(screen, "OK|CHECK|LIMIT|VALUE|REASON", rows, "")


@app.command()
def show(ctx: typer.Context, id: str = typer.Argument(help="Link id, or the exchange's order id.")) -> None:
    """Show one order with the decision and the fills behind it; aN shows an algorithm with its orders."""
    screen = screen_of(ctx)
    if id[:1] == "a" and id[1:].isdecimal():
        screen.show(call(screen, "algorithms.show", id=id), draw_algorithm)
        return
    screen.show(call(screen, "orders.show", id=id), _draw_detail)


def draw_algorithm(screen: Screen, data: Row) -> str:
    """An algorithm, its parameters and the orders it made."""
    it = data["algorithm"]
    settings = "  ".join(f"{name}={value}" for name, value in it["parameters"].items())
    parts = [algorithms_table(screen, [it]), it["reason"], settings, orders_table(screen, data["orders"])]
    return "\n\n".join(part for part in parts if part)


def _draw_placed(screen: Screen, data: Row) -> str:
    price = f"at {rounded(data['price'])}" if data["price"] is not None else "at market"
    lines = [
        f"{data['category']} {data['symbol']} {rounded(data['qty'])} {price}: notional {rounded(data['notional'], 4)}, "
        f"fee {rounded(data['fee'], 6)}, margin after {rounded(data['margin_after'], 4)}",
        _checks(screen, data["checks"]) if data["dry_run"] or screen.options.verbose else "",
        data["text"] or ("dry run: nothing was sent" if data["dry_run"] else "sent"),
    ]
    if data["order"]:
        lines.append(orders_table(screen, [data["order"]]))
    if data.get("algorithm"):
        lines.append(algorithms_table(screen, [data["algorithm"]]))
    return "\n".join(line for line in lines if line)


@app.command()
def place(
    ctx: typer.Context,
    side: Literal["buy", "sell"] = typer.Argument(help="buy or sell."),
    symbol: str = typer.Argument(help="Such as BTCUSDT."),
    size: str = typer.Argument(help="0.1 (base coin), 500USDT (quote coin) or 5% (of equity)."),
    limit: str = typer.Option("", "--limit", metavar="PRICE", help="Limit price; without it a market order."),
    category: Category | None = CATEGORY,
    post_only: bool = typer.Option(False, "--post-only", help="Cancel rather than take liquidity."),
    ioc: bool = typer.Option(False, "--ioc", help="What is not filled at once is cancelled."),
    fok: bool = typer.Option(False, "--fok", help="All at once or nothing."),
    reduce_only: bool = typer.Option(False, "--reduce-only", help="Never open or turn a position."),
    stop: str = typer.Option("", "--stop", metavar="PRICE", help="Rest unseen until the price gets there."),
    trigger_by: Literal["last", "mark", "index"] = typer.Option(
        "last", "--trigger-by", help="Which price --stop means."
    ),
    close_on_trigger: bool = typer.Option(False, "--close-on-trigger", help="Make room for --stop if margin is short."),
    sl: str = typer.Option("", "--sl", metavar="PRICE", help="Stop loss, held by the exchange once the order fills."),
    tp: str = typer.Option("", "--tp", metavar="PRICE", help="Take profit, held by the exchange likewise."),
    algorithm: str = typer.Option("", "--algorithm", metavar="KIND", help=f"Work it off in pieces: {ALGORITHMS}."),
    settings: list[str] = SETTINGS,
    strategy: str = typer.Option("", "--strategy", metavar="NAME", help="Book it there (default: operator)."),
    reason: str = typer.Option("", "--reason", metavar="TEXT", help="Kept with the decision."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Run the risk checks and send nothing."),
) -> None:
    """Place an order: buy BTCUSDT 0.1 --limit 50000 --sl 49000 --tp 53000."""
    from tradectl.rpc.sizes import parse_positive, parse_size

    parse_size(size)
    prices: dict[str, Any] = {
        name: plain(parse_positive(text, f"--{option}"))
        for name, option, text in (
            ("price", "limit", limit), ("stop_loss", "sl", sl), ("take_profit", "tp", tp), ("stop", "stop", stop),
        )
        if text or option in _given_options(ctx)
    }  # fmt: skip
    if settings and not algorithm:
        raise UsageError("--set needs --algorithm")
    if close_on_trigger and "stop" not in prices:
        raise UsageError("--close-on-trigger needs --stop")
    chosen = [name for name, on in (("PostOnly", post_only), ("IOC", ioc), ("FOK", fok)) if on]
    if len(chosen) > 1:
        raise UsageError("--post-only, --ioc and --fok exclude each other")
    if post_only and "price" not in prices:
        raise UsageError("--post-only needs --limit")
    screen = screen_of(ctx)
    data = call(
        screen, "orders.place", side=side.capitalize(), symbol=symbol.upper(), size=size.strip(), category=category,
        time_in_force=chosen[0] if chosen else "GTC", reduce_only=reduce_only, strategy=strategy, reason=reason,
        dry_run=dry_run, trigger_by=None if trigger_by == "last" else trigger_by, algorithm=algorithm,
        close_on_trigger=close_on_trigger or None, parameters=_parameters(settings) or None, **prices,
    )  # fmt: skip
    screen.show(data, _draw_placed)


def _parameters(settings: list[str]) -> dict[str, str]:
    """``NAME=VALUE`` pairs. Raises ``UsageError``."""
    found: dict[str, str] = {}
    for pair in settings:
        name, equals, value = pair.partition("=")
        if not (name and equals and value):
            raise UsageError(f"--set {pair}: write NAME=VALUE")
        found[name] = value
    return found


def _given_options(ctx: typer.Context) -> set[str]:
    """Options that stand on the command line, even with an empty value: ``--limit ""`` is a slip, not a market
    order."""
    return {name for name in ctx.params if getattr(ctx.get_parameter_source(name), "name", "") == "COMMANDLINE"}


@app.command()
def amend(
    ctx: typer.Context,
    id: str = typer.Argument(help="Link id, or the exchange's order id."),
    qty: str = typer.Option("", "--qty", metavar="QTY", help="New total quantity."),
    limit: str = typer.Option("", "--limit", metavar="PRICE", help="New price."),
    stop: str = typer.Option("", "--stop", metavar="PRICE", help="New trigger."),
    sl: str = typer.Option("", "--sl", metavar="PRICE", help="New stop loss; 0 removes it."),
    tp: str = typer.Option("", "--tp", metavar="PRICE", help="New take profit; 0 removes it."),
) -> None:
    """Change an open order: its total quantity, price, trigger or attached stops."""
    from tradectl.rpc.sizes import parse_positive

    named = _given_options(ctx)
    changes: dict[str, Any] = {
        name: plain(parse_positive(text, f"--{option}"))
        for name, option, text in (("qty", "qty", qty), ("price", "limit", limit), ("stop", "stop", stop))
        if option in named
    }
    changes |= {
        name: "0" if text.strip() == "0" else plain(parse_positive(text, f"--{option}"))
        for name, option, text in (("stop_loss", "sl", sl), ("take_profit", "tp", tp))
        if option in named
    }
    if not changes:
        raise UsageError("nothing to change: give --qty, --limit, --stop, --sl or --tp")
    screen = screen_of(ctx)
    screen.show(call(screen, "orders.amend", id=id, **changes), draw_done)


@app.command()
def cancel(
    ctx: typer.Context,
    id: str = typer.Argument("", help="Link id, the exchange's order id, or aN for an algorithm."),
    every: bool = typer.Option(False, "--all", help="Every entry; stops and take-profits stay."),
    symbol: str = typer.Option("", "--symbol", metavar="SYMBOL", help="With --all: only this symbol."),
    strategy: str = typer.Option("", "--strategy", metavar="NAME", help="With --all: only this strategy."),
) -> None:
    """Cancel one order or algorithm, or with --all every entry."""
    if bool(id) == every:
        raise UsageError("give the id of one order, or --all")
    if (symbol or strategy) and not every:
        raise UsageError("--symbol and --strategy need --all")
    screen = screen_of(ctx)
    data = call(screen, "orders.cancel", id=id, every=every, symbol=symbol.upper(), strategy=strategy)
    screen.show(data, draw_done)
