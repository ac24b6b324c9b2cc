"""The review as one self-contained HTML page, in the style of the backtest's report."""

from html import escape
from itertools import accumulate
from typing import Any

from tradectl.backtest.report.document import encode
from tradectl.backtest.report.html import trade_list
from tradectl.backtest.report.html.chart import SECOND, Chart, Line, data_of, figure
from tradectl.backtest.report.html.whole import document
from tradectl.backtest.report.html.words import Amounts
from tradectl.backtest.report.sampling import curve
from tradectl.backtest.review import cards, highlights
from tradectl.backtest.review.figures import capital, summary
from tradectl.backtest.review.review import Review
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.money import ZERO

TITLE = "Where the money went"
_FOOTER = (
    "Made by tradectl from what the exchange states about the account. No advice: it shows what was, not what will be."
)

Row = dict[str, Any]


def page(review: Review, hide_amounts: bool = False) -> str:
    """The page. ``hide_amounts``: per cent of what the account had, no sizes, no statement.

    Raises ``Problem`` when there is nothing to count per cent of.
    """
    cash = capital(review)
    if hide_amounts and cash <= 0:
        raise Problem(
            ErrorCode.INVALID_REQUEST, "amounts cannot be hidden: the account held no dollars to count per cent of",
            field="hide-amounts", remedy="export without --hide-amounts",
        )  # fmt: skip
    data, amounts = summary(review), Amounts("USD", cash, hide_amounts)
    trips = [it for it in review.trips() if it.ended]
    chart, span = _earned(review, amounts), (review.since // SECOND, review.until // SECOND)
    body = (
        _header(data) + highlights.tiles(data, amounts) + (figure(chart, span) if chart else "")
        + '<div class="pair">' + highlights.money(data, amounts) + highlights.findings(data, amounts) + "</div>"
        + cards.symbols(data, amounts) + '<div class="pair">' + cards.maker(data["maker"], amounts)
        + cards.slippage(data["slippage"], amounts) + "</div>" + '<div class="pair">' + cards.stops(data, amounts)
        + cards.hours(data["hours"], amounts) + "</div>" + '<div class="pair">' + cards.holding(data, amounts)
        + cards.habits(data, amounts) + "</div>" + cards.losers(data, amounts) + trade_list.section(trips, amounts)
        + cards.statement(data, hide_amounts) + cards.assumed(data) + f"<footer>{_FOOTER}</footer>"
    )  # fmt: skip
    script = {
        "origin": span[0], "span": max(span[1] - span[0], 1),
        "charts": {chart.name: data_of(chart, span[0])} if chart else {},
        "trades": trade_list.data(trips, amounts) if trips else {},
    }  # fmt: skip
    return document(TITLE, body, encode(script).decode().replace("<", "\\u003c"))


def _header(data: Row) -> str:
    names = data["instruments"]
    chips = [*names[:8], *([f"and {len(names) - 8} more"] if len(names) > 8 else []), data["mode"]]
    return highlights.header(TITLE, data, [escape(it) for it in chips])


def _earned(review: Review, amounts: Amounts) -> Chart | None:
    """What trading brought up to each moment, transfers apart; hidden as a share of what the account had."""
    fills = review.own_fills()
    if not fills:
        return None
    money = list(accumulate((it.realised - it.fee - it.funding for it in fills), initial=ZERO))
    values = [amounts.share(it) if amounts.hidden else float(it) for it in [*money, money[-1]]]
    line = Line("", "own", curve([review.since, *(it.at for it in fills), review.until], values), fill=True)
    title = "Net of trading" + (", of what the account had" if amounts.hidden else ", USD")
    note = "What was realised, after fees and funding; profit of open positions is not in it."
    return Chart("earned", title, "percent" if amounts.hidden else "money", (line,), 260, note)
