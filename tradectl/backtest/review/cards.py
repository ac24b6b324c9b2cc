"""The cards of the review's page: each takes figures of :mod:`tradectl.backtest.review.figures` and is markup."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from html import escape
from typing import Any

from tradectl.backtest.report.html.words import (
    Amounts,
    count,
    exactly,
    held,
    moment,
    number,
    percent,
    row,
    toned,
)
from tradectl.model.money import plain

Row = dict[str, Any]
AGAINST = {
    "trigger": "Stops, against their trigger", "mark": "Takers, against the mark price",
    "candle": "Takers, against the middle of the minute", "maker": "Makers: their own price",
    "forced": "Liquidations", "nothing": "Takers, nothing to compare with",
}  # fmt: skip
STOPS = {"seen": "A stop was seen", "none": "No stop", "no trace": "No trace of a stop"}


def card(title: str, inner: str, css: str = "") -> str:
    """A titled box."""
    return f'<section class="card {css}"><h3>{escape(title)}</h3>{inner}</section>'


def grid(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells are markup."""
    body = "".join(row(cells) for cells in rows)
    return f"<table><thead>{row([escape(it) for it in heads], 'th')}</thead>{body}</table>"


def symbols(data: Row, amounts: Amounts) -> str:
    """By instrument, the costliest first."""
    if not data["per_symbol"]:
        return ""
    heads = ["Instrument", f"Net, {amounts.unit}", "Trades", "Win rate", "Profit factor", f"Fees, {amounts.unit}",
             f"Funding, {amounts.unit}", f"Slippage, {amounts.unit}"]  # fmt: skip
    rows = [
        [escape(it["instrument"]), toned(amounts.cell(it["profit"]["net"]), it["profit"]["net"]),
         f"{it['trades']['trades']:,}", percent(it["trades"]["win_rate"], 1), number(it["trades"]["profit_factor"]),
         amounts.cell(it["profit"]["fees"], False), amounts.cell(it["profit"]["funding"], False),
         amounts.cell(it["profit"]["slippage"], False)]
        for it in data["per_symbol"]
    ]  # fmt: skip
    return card("By instrument", grid(heads, rows), "wide")


def maker(it: Row, amounts: Amounts) -> str:
    """Missed maker fills, with what they are assumed to be."""
    rows = [
        ["Taker orders that could have waited", f"{it['orders']:,}"],
        [f"would have filled at rest within {it['minutes']} minutes", f"{it['would']:,}"],
        ["would not", f"{it['would_not']:,}"], ["could not be judged", f"{it['unmeasured']:,}"],
        [f"Fees saved, {amounts.unit}", amounts.cell(it["saved_fees"])],
        [f"Spread saved, {amounts.unit}", amounts.cell(it["saved_spread"])],
        [f"Cost of chasing the others, {amounts.unit}", amounts.cell(-it["chase"])],
        [f"Net of always waiting, {amounts.unit}", toned(amounts.cell(it["net"]), it["net"])],
    ]  # fmt: skip
    note = (
        "Assumed: an order rests one tick better than the best price paid, from the next minute on, and fills when the "
        "price trades through it. Stops and liquidations could not wait."
    )
    return card("Missed maker fills", f'<table>{"".join(row(it) for it in rows)}</table><p class="note">{note}</p>')


def slippage(rows: Sequence[Row], amounts: Amounts) -> str:
    """By what fills were compared with."""
    if not rows:
        return card("Slippage", '<p class="note">There were no fills.</p>')
    cells = [
        [AGAINST[it["against"]], f"{it['fills']:,}",
         percent(None) if it["share"] is None else toned(amounts.cell(-it["slippage"]), -it["slippage"]),
         percent(it["share"], 3)]
        for it in rows
    ]  # fmt: skip
    return card("Slippage", grid(["Fills", "", amounts.unit, "of value"], cells))


def stops(data: Row, amounts: Amounts) -> str:
    """Trades by what is known of their stop."""
    cells = [
        [STOPS[it["stop"]], f"{it['trades']:,}", percent(it["win_rate"], 0), toned(amounts.cell(it["pnl"]), it["pnl"]),
         toned(amounts.cell(it["worst"]), it["worst"])]
        for it in data["stops"]
    ]  # fmt: skip
    note = (
        "Bybit forgets after 24 hours an order that ended without a fill: of older trades only stops that fired or "
        "were attached to the entry can be seen."
    )
    table = grid(["Trades", "", "Won", f"Net, {amounts.unit}", f"Worst, {amounts.unit}"], cells)
    return card("Stops", f'{table}<p class="note">{note}</p>')


def hours(rows: Sequence[Row], amounts: Amounts) -> str:
    """What trades brought by the hour of their entry, as bars."""
    if not rows:
        return card("By hour of entry (UTC)", '<p class="note">No trade was finished.</p>')
    of = {it["hour"]: it for it in rows}
    most = max(abs(it["pnl"]) for it in rows) or Decimal(1)
    width, height, middle = 520, 220, 100
    each, parts = width / 24, []
    for hour in range(24):
        x = hour * each
        if hour in of:
            tall = float(abs(of[hour]["pnl"]) / most) * (middle - 8)
            up = of[hour]["pnl"] >= 0
            said = f"{hour:02}:00, {count(of[hour]['trades'], 'trade')}: {amounts.text(of[hour]['pnl'])}"
            top = middle - tall if up else middle
            parts.append(f'<rect class="{"up" if up else "down"}" x="{x + 2:.1f}" y="{top:.1f}" width="{each - 4:.1f}" '
                         f'height="{max(tall, 1):.1f}"><title>{said}</title></rect>')  # fmt: skip
        if hour % 3 == 0:
            parts.append(f'<text x="{x + each / 2:.1f}" y="{height - 6}" text-anchor="middle">{hour:02}</text>')
    base = f'<path class="base" d="M0 {middle}H{width}"/>'
    about = f'<svg class="bars" viewBox="0 0 {width} {height}" role="img" aria-label="Net by hour">'
    return card("Net by hour of entry (UTC)", f"{about}{''.join(parts)}{base}</svg>")


def _groups(title: str, named: Sequence[tuple[str, Row]], amounts: Amounts) -> str:
    cells = [
        [escape(name), f"{it['trades']:,}", percent(it["win_rate"], 0), toned(amounts.cell(it["pnl"]), it["pnl"]),
         amounts.cell(it["fees"], False)]
        for name, it in named if it["trades"]
    ]  # fmt: skip
    table = grid(["Trades", "", "Won", "Net", "Fees"], cells)
    return card(f"{title}, {amounts.unit}", table if cells else '<p class="note">No trade was finished.</p>')


def holding(data: Row, amounts: Amounts) -> str:
    """By holding time."""
    return _groups("By holding time", [(it["held"].capitalize(), it) for it in data["holding"]], amounts)


def habits(data: Row, amounts: Amounts) -> str:
    """After losses and on busy days."""
    it = data["days"]
    named = [("Begun within ten minutes of a loss", data["after_loss"]), ("All others", data["other"])]
    if it["busy_days"]:
        named += [(f"On {count(it['busy_days'], 'busy day')} (over {2 * it['usual']} trades)", it["busy"]),
                  ("On other days", it["calm"])]  # fmt: skip
    return _groups("Habits", named, amounts)


def losers(data: Row, amounts: Amounts) -> str:
    """The worst trades."""
    if not data["losers"]:
        return ""
    cells = [
        [f"{moment(it['began'])}{' or before' if it['carried'] else ''}", escape(it["instrument"]), it["side"],
         held((it["ended"] - it["began"]) / 1e9) if it["ended"] else "open", toned(amounts.cell(it["pnl"]), it["pnl"]),
         amounts.cell(it["fees"], False), amounts.cell(it["funding"], False), STOPS[it["stop"]]]
        for it in data["losers"]
    ]  # fmt: skip
    heads = ["Entered (UTC)", "Instrument", "Side", "Held", f"Net, {amounts.unit}", f"Fees, {amounts.unit}",
             f"Funding, {amounts.unit}", "Stop"]  # fmt: skip
    return card("Worst trades", grid(heads, cells), "wide")


def statement(data: Row, hidden: bool) -> str:
    """The exchange's own sums, coin by coin, and whether executions agree with them."""
    it = data["matched"]
    said = (
        "agree to the last digit."
        if it["whole"]
        else (
            f"differ: {count(it['without_row'], 'execution')} without a row, "
            f"{count(it['rows_without_execution'], 'row')} without an execution."
        )
    )
    note = f'<p class="note">{count(it["executions"], "execution")} and the statement {said}</p>'
    if hidden:
        return card("Statement", note, "wide")
    names = ("opening", "realised", "spot", "fees", "funding", "transfers", "other", "unexplained", "closing", "wallet")
    cells = [[escape(coin["coin"]), *(_coin_cell(coin, name) for name in names)] for coin in data["coins"]]
    heads = ["Coin", "Opening", "Realised", "Spot", "Fees", "Funding", "Transfers", "Other", "Unexplained", "Closing",
             "Wallet now"]  # fmt: skip
    left = [
        f"{kind} of {plain(amount)} {escape(coin)}" for kind in ("fees", "funding") for coin, amount in it[kind].items()
    ]
    more = f'<p class="note">Executions less statement: {", ".join(left)}.</p>' if left else ""
    return card("Statement, in coins", grid(heads, cells) + note + more, "wide")


def _coin_cell(coin: Row, name: str) -> str:
    value = sum(coin["other"].values(), Decimal(0)) if name == "other" else coin[name]
    if value is None:
        return percent(None)
    value = -value if name == "fees" else value
    places = 2 if abs(value) >= 1000 else 4 if abs(value) >= 1 else 8
    return exactly(value, places) if value else "0"


def assumed(data: Row) -> str:
    """What was assumed and what could not be known."""
    notes = [
        "Amounts are dollars: USDT, USDC and dollars count alike, inverse contracts at the price of each execution.",
        "Slippage of a stop counts from its trigger, of another taker from the mark price, of spot from the middle of "
        "its minute. What the mark differs from the market by cancels between entry and exit.",
        "Profit of derivatives is the exchange's own figure for each execution; spot and USDC contracts count at "
        "average cost. Coins bought before the span are sold at no profit.",
        *(escape(it) for it in data["notes"]),
    ]  # fmt: skip
    return card("What was assumed", f"<ul>{''.join(f'<li>{it}</li>' for it in notes)}</ul>", "wide")
