"""The page as a whole."""

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from tradectl.backtest.job import BacktestResult
from tradectl.backtest.report.benchmark import buy_and_hold
from tradectl.backtest.report.document import encode
from tradectl.backtest.report.figures import summary
from tradectl.backtest.report.html import sections, trade_list
from tradectl.backtest.report.html.chart import SECOND, Chart, data_of, figure
from tradectl.backtest.report.html.curves import charts, trade_return
from tradectl.backtest.report.html.study import section as study_cards
from tradectl.backtest.report.html.words import Amounts
from tradectl.performance.round_trips import round_trips

_SIMULATED = (
    "Made by tradectl from the same engine that trades. A simulation on past prices: it shows what the assumptions "
    "above would have made, and promises nothing."
)
_RECORDED = "Made by tradectl from the journal of the run: fills, fees and equity as they were."


def page(
    result: BacktestResult, hide_amounts: bool = False, kind: str = "Backtest", study: Mapping[str, Any] | None = None
) -> str:
    """The report as one HTML document. ``hide_amounts``: per cent only, no sizes and no equity.

    ``study`` is the document of the optimisation that chose the parameters (``optimise.whole.document``).
    """
    held, trips = buy_and_hold(result), round_trips(result.fills)
    data, amounts = summary(result), Amounts(result.job.settle_coin, result.job.cash, hide_amounts)
    drawn = charts(result, held, trips, hide_amounts)
    span = _span(result)
    curves = "".join(figure(chart, span) for chart in drawn)
    name = title(data)
    body = (
        sections.header(name, data, kind) + sections.tiles(data, amounts) + curves + sections.months(result)
        + '<div class="pair">' + sections.distribution([trade_return(trip) for trip in trips])
        + sections.costs(data, amounts) + "</div>" + sections.comparison(data, amounts)
        + sections.figures(data, amounts) + (study_cards(study) if study else "")
        + trade_list.section(trips, amounts) + sections.assumed(data) + sections.settings(data, amounts)
        + f"<footer>{_RECORDED if 'run' in result.extra else _SIMULATED}</footer>"
    )  # fmt: skip
    return document(name, body, _data(drawn, span, trade_list.data(trips, amounts)))


def fragment(result: BacktestResult) -> str:
    """Head, tiles and equity for a notebook, in a frame of its own so that styles do not leak."""
    data, amounts = summary(result), Amounts(result.job.settle_coin, result.job.cash, False)
    drawn, span = charts(result, buy_and_hold(result), (), False)[:1], _span(result)
    body = sections.header(title(data), data, "Backtest") + sections.tiles(data, amounts) + figure(drawn[0], span)
    inner = document(title(data), body, _data(drawn, span, {}))
    return f'<iframe srcdoc="{escape(inner)}" style="width:100%;height:820px;border:0"></iframe>'


def title(data: dict[str, Any]) -> str:
    """The strategies by name and class; of several instances of one class the class."""
    classes = {it["class"] for it in data["strategies"]}
    if len(classes) == 1 < len(data["strategies"]):
        return str(next(iter(classes)))
    names = [it["name"] if it["name"] == it["class"] else f"{it['name']} ({it['class']})" for it in data["strategies"]]
    return ", ".join(names) or "no strategy"


def _span(result: BacktestResult) -> tuple[int, int]:
    return result.job.since // SECOND, max(result.ended, result.job.since + SECOND) // SECOND


def _data(drawn: list[Chart], span: tuple[int, int], trades: dict[str, Any]) -> str:
    data = {
        "origin": span[0], "span": span[1] - span[0], "charts": {it.name: data_of(it, span[0]) for it in drawn},
        "trades": trades,
    }  # fmt: skip
    return encode(data).decode().replace("<", "\\u003c")


def document(name: str, body: str, data: str) -> str:
    """A self-contained page around ``body``; ``data`` is the script's, as JSON without ``<``."""
    here = Path(__file__).parent
    style, script = (here.joinpath(file).read_text(encoding="utf-8") for file in ("page.css", "page.js"))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width,initial-scale=1"><title>{escape(name)}</title><style>{style}</style></head>'
        f'<body><main>{body}</main><div id="tip" hidden></div>'
        f'<script type="application/json" id="data">{data}</script><script>{script}</script></body></html>'
    )
