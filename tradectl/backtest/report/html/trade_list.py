"""The list of trades: data for the page's script, which sorts and pages it, and its first page without one."""

from collections.abc import Sequence
from typing import Any

from tradectl.backtest.report.html.chart import SECOND
from tradectl.backtest.report.html.curves import entry_price, exit_price, trade_return
from tradectl.backtest.report.html.words import Amounts, count, exactly, held, moment, percent, price, row, toned
from tradectl.model.money import plain
from tradectl.performance.round_trips import RoundTrip

#: With more trades than this, only the first and last half as many are listed.
MOST, PAGE = 5_000, 25


def listed(trips: Sequence[RoundTrip]) -> Sequence[RoundTrip]:
    """The trades the page holds."""
    return trips if len(trips) <= MOST else [*trips[: MOST // 2], *trips[-MOST // 2 :]]


def heads(amounts: Amounts) -> list[str]:
    """The columns; sizes are left out when amounts are hidden."""
    names = ["Strategy", "Instrument", "Side", "Entered (UTC)", "Left (UTC)", "Held", "Entry", "Exit", "Size", "Return",
             f"Profit, {amounts.unit}", f"Fees, {amounts.unit}", f"Funding, {amounts.unit}"]  # fmt: skip
    return [name for name in names if name != "Size"] if amounts.hidden else names


def rows(trips: Sequence[RoundTrip], amounts: Amounts) -> list[list[Any]]:
    """A list for each trade, as the script sorts and writes it: times in seconds, fractions, amounts as numbers."""
    found = []
    for trip in listed(trips):
        money = [amounts.share(it) * 100 if amounts.hidden else float(it) for it in (trip.pnl, trip.fees, trip.funding)]
        size = [] if amounts.hidden else [plain(trip.qty)]
        found.append([
            trip.strategy, str(trip.instrument), "long" if trip.long else "short", trip.began // SECOND,
            trip.ended // SECOND, (trip.ended - trip.began) // SECOND, float(f"{entry_price(trip):.9g}"),
            float(f"{exit_price(trip):.9g}"), *size, round(trade_return(trip), 6), *(round(it, 6) for it in money),
        ])  # fmt: skip
    return found


def section(trips: Sequence[RoundTrip], amounts: Amounts) -> str:
    """The card with the first page of trades."""
    if not trips:
        return ""
    body = "".join(_row(trip, amounts) for trip in trips[:PAGE])
    head = "".join(f'<th tabindex="0" data-column="{n}">{name}</th>' for n, name in enumerate(heads(amounts)))
    left = len(trips) - len(listed(trips))
    more = f"The first and last {MOST // 2:,}; {left:,} between them are in the CSV export." if left else ""
    return (
        f'<section class="card wide" id="trades"><h3>Trades <span>{count(len(trips), "round trip")}</span></h3>'
        f'<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
        f'<p class="pages note">{more or _shown(trips)}</p></section>'
    )  # fmt: skip


def _shown(trips: Sequence[RoundTrip]) -> str:
    return f"{min(PAGE, len(trips))} of {count(len(trips), 'trade')}"


def _row(trip: RoundTrip, amounts: Amounts) -> str:
    size = [] if amounts.hidden else [f"{trip.qty:,f}"]
    gained = trade_return(trip)
    return row([
        trip.strategy, str(trip.instrument), "long" if trip.long else "short", moment(trip.began), moment(trip.ended),
        held((trip.ended - trip.began) / SECOND), price(entry_price(trip)), price(exit_price(trip)), *size,
        toned(percent(gained, 2, True), gained), toned(_money(trip.pnl, amounts, True), trip.pnl),
        _money(trip.fees, amounts), _money(trip.funding, amounts),
    ])  # fmt: skip


def _money(value: Any, amounts: Amounts, signed: bool = False) -> str:
    return amounts.cell(value, signed) if amounts.hidden else exactly(value, 2, signed)
