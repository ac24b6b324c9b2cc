"""The list of trades: data for the page's script, which sorts and pages it, and its first page without one."""

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from msgspec import Struct

from tradectl.backtest.report.html.chart import SECOND
from tradectl.backtest.report.html.curves import entry_price, exit_price, trade_return
from tradectl.backtest.report.html.words import Amounts, count, exactly, held, moment, percent, price, row, toned
from tradectl.performance.round_trips import RoundTrip

#: With more trades than this, only the first and last half as many are listed.
MOST, PAGE = 5_000, 25


class Column(Struct, frozen=True):
    """``kind`` says how the script writes a value, ``of`` takes it from a trade: seconds, fractions, numbers, text."""

    name: str
    kind: str
    of: Callable[[RoundTrip], Any]


_WRITE: dict[str, Callable[[Any], str]] = {
    "text": lambda value: escape(value),
    "time": lambda value: moment(value * SECOND),
    "held": held,
    "price": price,
    "size": lambda value: f"{value:,g}",
    "gain": lambda value: percent(value, 2, True),
    "profit": lambda value: exactly(value, 2, True),
    "amount": lambda value: exactly(value, 2),
}


def listed(trips: Sequence[RoundTrip]) -> Sequence[RoundTrip]:
    """The trades the page holds."""
    return trips if len(trips) <= MOST else [*trips[: MOST // 2], *trips[-MOST // 2 :]]


def columns(trips: Sequence[RoundTrip], amounts: Amounts) -> list[Column]:
    """What is shown: strategies where an instrument has several, sizes unless amounts are hidden."""

    def money(value: Any) -> float:
        return round(amounts.share(value) * 100 if amounts.hidden else float(value), 6)

    pairs = {(trip.strategy, trip.instrument) for trip in trips}
    several = len(pairs) > len({instrument for _, instrument in pairs})
    found = [
        Column("Strategy", "text", lambda it: it.strategy),
        Column("Instrument", "text", lambda it: str(it.instrument)),
        Column("Side", "text", lambda it: "long" if it.long else "short"),
        Column("Entered (UTC)", "time", lambda it: it.began // SECOND),
        Column("Left (UTC)", "time", lambda it: it.ended // SECOND),
        Column("Held", "held", lambda it: (it.ended - it.began) // SECOND),
        Column("Entry", "price", lambda it: float(f"{entry_price(it):.9g}")),
        Column("Exit", "price", lambda it: float(f"{exit_price(it):.9g}")),
        Column("Size", "size", lambda it: float(it.qty)),
        Column("Return", "gain", lambda it: round(trade_return(it), 6)),
        Column(f"Profit, {amounts.unit}", "profit", lambda it: money(it.pnl)),
        Column(f"Fees, {amounts.unit}", "amount", lambda it: money(it.fees)),
        Column(f"Funding, {amounts.unit}", "amount", lambda it: money(it.funding)),
    ]
    left_out = {"" if several else "Strategy", "Size" if amounts.hidden else ""}
    return [it for it in found if it.name not in left_out]


def data(trips: Sequence[RoundTrip], amounts: Amounts) -> dict[str, Any]:
    """What the script needs: how columns are written, and the values of each trade."""
    shown = columns(trips, amounts)
    rows = [[column.of(trip) for column in shown] for trip in listed(trips)]
    return {"kinds": [it.kind for it in shown], "rows": rows, "page": PAGE}


def section(trips: Sequence[RoundTrip], amounts: Amounts) -> str:
    """The card with the first page of trades."""
    if not trips:
        return ""
    shown = columns(trips, amounts)
    body = "".join(row([_cell(column, trip) for column in shown]) for trip in trips[:PAGE])
    head = "".join(f'<th class="{it.kind}" tabindex="0" data-column="{n}">{it.name}</th>' for n, it in enumerate(shown))
    left = len(trips) - len(listed(trips))
    more = f"The first and last {MOST // 2:,}; {left:,} between them are in the CSV export." if left else ""
    return (
        f'<section class="card wide" id="trades"><h3>Trades <span>{count(len(trips), "round trip")}</span></h3>'
        f'<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
        f'<p class="note">{more}</p><p class="pages note">{min(PAGE, len(trips))} of {count(len(trips), "trade")}</p>'
        "</section>"
    )  # fmt: skip


def _cell(column: Column, trip: RoundTrip) -> str:
    value = column.of(trip)
    text = _WRITE[column.kind](value)
    if column.kind in ("gain", "profit"):
        return toned(text, value)
    return f'<td class="text">{text}</td>' if column.kind == "text" else text
