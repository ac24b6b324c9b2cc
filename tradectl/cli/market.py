"""``market``: ticker, book, candles and funding as the daemon has them."""

from typing import Any, Literal

import typer

from tradectl.cli.command import CATEGORY, Category, call, noun, screen_of
from tradectl.cli.draw.lists import grid, trades_table
from tradectl.cli.screen import Screen
from tradectl.cli.text import plain

app = noun("Prices: ticker, book, candles, funding.")
NAME = typer.Argument(help="Such as BTCUSDT.")
Interval = Literal["1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d", "1w"]
Row = dict[str, Any]
INTERVAL = typer.Option("1m", "--interval", help="Length of a candle.")


def _draw_ticker(screen: Screen, data: Row) -> str:
    it = data["ticker"]
    lines = [f"{it['category']} {it['symbol']} at {screen.clock.moment(it['at'])}"]
    lines += [f"{name:<13} {plain(it[name])}" for name in ("last", "bid", "ask", "mark", "index", "funding_rate")]
    return "\n".join([*lines, f"next_funding  {screen.clock.moment(it['next_funding'])}"])


@app.command()
def ticker(ctx: typer.Context, symbol: str = NAME, category: Category | None = CATEGORY) -> None:
    """Show the last ticker."""
    screen = screen_of(ctx)
    screen.show(call(screen, "market.ticker", symbol=symbol.upper(), category=category), _draw_ticker)


def _draw_book(screen: Screen, data: Row) -> str:
    empty = ["", ""]
    depth = max(len(data["bids"]), len(data["asks"]))
    bids = [[plain(size), plain(price)] for price, size in data["bids"]] + [empty] * depth
    asks = [[plain(price), plain(size)] for price, size in data["asks"]] + [empty] * depth
    rows = [bids[level] + asks[level] for level in range(depth)]
    return grid(screen, "BID SIZE|BID|ASK|ASK SIZE", rows, "the book is empty")


@app.command()
def book(
    ctx: typer.Context,
    symbol: str = NAME,
    category: Category | None = CATEGORY,
    depth: int = typer.Option(20, "--depth", min=1, max=1000, help="Levels of each side."),
) -> None:
    """Show the order book, best levels first."""
    screen = screen_of(ctx)
    screen.show(call(screen, "market.book", symbol=symbol.upper(), category=category, depth=depth), _draw_book)


def _draw_candles(screen: Screen, data: Row) -> str:
    rows = [
        [
            screen.clock.moment(it["open_time"]),
            *(plain(it[name]) for name in ("open", "high", "low", "close", "volume")),
        ]
        for it in data["candles"]
    ]
    return grid(screen, "TIME|OPEN|HIGH|LOW|CLOSE|VOLUME", rows, "no candles")


@app.command()
def candles(
    ctx: typer.Context,
    symbol: str = NAME,
    category: Category | None = CATEGORY,
    interval: Interval = INTERVAL,
    limit: int = typer.Option(100, "--limit", min=1, max=1000, help="How many."),
) -> None:
    """Show the last closed candles, oldest first."""
    screen = screen_of(ctx)
    data = call(screen, "market.candles", symbol=symbol.upper(), category=category, interval=interval, limit=limit)
    screen.show(data, _draw_candles)


def _draw_funding(screen: Screen, data: Row) -> str:
    head = (
        f"{data['category']} {data['symbol']}: rate {plain(data['rate'])}, "
        f"next {screen.clock.moment(data['next_funding'])}, every {data['interval']} min"
    )
    return f"{head}\n\n{trades_table(screen, data['payments'])}" if data["payments"] else head


@app.command()
def funding(ctx: typer.Context, symbol: str = NAME, category: Category | None = CATEGORY) -> None:
    """Show the funding rate, when it settles next, and what we paid lately."""
    screen = screen_of(ctx)
    screen.show(call(screen, "market.funding", symbol=symbol.upper(), category=category), _draw_funding)
