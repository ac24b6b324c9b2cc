"""The page's tables: head, tiles, months, distribution, where the money went, comparisons, and what was assumed."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from html import escape
from statistics import fmean, median
from typing import Any

from tradectl.backtest.job import BacktestResult
from tradectl.backtest.report.figures import flows_of
from tradectl.backtest.report.html.ticks import NAMES, nice_step
from tradectl.backtest.report.html.words import Amounts, count, day, held, moment, number, percent, row, tone, toned
from tradectl.performance.returns import Mark, daily, opening_mark

Row = dict[str, Any]


def header(name: str, data: Row, made: str) -> str:
    """Title, what was traded, the span, and marks of an unfinished run."""
    chips = [*data["instruments"][:8], f"{data['interval']} candles"]
    if len(data["instruments"]) > 8:
        chips.insert(8, f"and {len(data['instruments']) - 8} more")
    if data["interrupted"]:
        chips.append("interrupted")
    ended = data["ended"] if data["interrupted"] else data["until"]
    return (
        f'<header><p class="kind">{escape(made)}</p><h1>{escape(name)}</h1>'
        f'<p class="span">{day(data["since"])} to {day(ended - 1)} <span>UTC · {count(data["candles"], "candle")}'
        f'</span></p><p class="chips">{"".join(f"<span>{escape(it)}</span>" for it in chips)}</p></header>'
    )


def tiles(data: Row, amounts: Amounts) -> str:
    """The eight figures one looks at first."""
    it, trades, busy = data["returns"], data["trades"], data["exposure"]
    hold = data["buy_and_hold"][0]["total_return"] if data["buy_and_hold"] else None
    fall = data["drawdown"]
    fallen = f"{fall['peak']} to {fall['recovered'] or 'now'}" if fall else "never below its peak"
    shown = [
        ("Return", percent(it["total_return"], 2, True), f"buy and hold {percent(hold, 2, True)}", it["total_return"]),
        ("Annual return", percent(it["annual_return"], 2, True), f"volatility {percent(it['volatility'])}",
         it["annual_return"]),
        ("Sharpe ratio", number(it["sharpe"]), f"Sortino {number(it['sortino'])}", None),
        ("Max drawdown", percent(it["max_drawdown"]), fallen, None),
        ("Calmar ratio", number(it["calmar"]), f"worst day {percent(it['worst_day'])}", None),
        ("Trades", f"{trades['trades']:,}", f"held {held(trades['mean_holding_s'])} on average", None),
        ("Win rate", percent(trades["win_rate"], 1), f"expectancy {amounts.text(trades['expectancy'])}", None),
        ("Profit factor", number(trades["profit_factor"]), f"{percent(busy['time'], 0)} of the time in the market",
         None),
    ]  # fmt: skip
    return '<section class="tiles">' + "".join(
        f'<div><h2>{name}</h2><p class="figure {tone(of)}">{text}</p><p class="sub">{sub}</p></div>'
        for name, text, sub, of in shown
    ) + "</section>"  # fmt: skip


def months(result: BacktestResult) -> str:
    """Returns by month and year, the stronger the deeper in colour."""
    grown: dict[tuple[int, int], float] = {}
    marks = [Mark(it.at - 1, it.equity) for it in result.samples]  # one at midnight closes the day before
    for it in daily([opening_mark(result.job.since, result.job.cash), *marks], flows_of(result)):
        if it.change == it.change:
            date = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=it.number)
            grown[date.year, date.month] = grown.get((date.year, date.month), 1.0) * (1.0 + it.change)
    if not grown:
        return ""
    most = max((abs(level - 1.0) for level in grown.values()), default=0.0) or 1.0
    rows = [_year(year, grown, most) for year in sorted({year for year, _ in grown})]
    head = row(["Year", *NAMES, "All"], "th")
    return _section("Monthly returns", f'<table class="months"><thead>{head}</thead>{"".join(rows)}</table>', "wide")


def _year(year: int, grown: dict[tuple[int, int], float], most: float) -> str:
    cells, whole = [f"<th>{year}</th>"], 1.0
    for month in range(1, 13):
        level = grown.get((year, month))
        whole *= 1.0 if level is None else level
        cells.append("<td></td>" if level is None else _heat(level - 1.0, most))
    return row([*cells, toned(percent(whole - 1.0, 1, True).removesuffix(" %"), whole - 1.0)])


def _heat(change: float, most: float) -> str:
    depth = round(8 + 62 * min(abs(change) / most, 1.0)) if change else 0
    colour = "up" if change > 0 else "down"
    style = f"background:color-mix(in srgb,var(--{colour}) {depth}%,transparent)"
    return f'<td style="{style}">{percent(change, 1, True).removesuffix(" %")}</td>'


def distribution(returns: Sequence[float]) -> str:
    """How many trades returned how much; the farthest two per cent on each side count to the outer bars."""
    if not returns:
        return _section("Trade returns", '<p class="note">No trade was finished.</p>')
    ordered = sorted(returns)
    cut = len(ordered) // 50
    low, high = ordered[cut], ordered[-1 - cut]
    step = nice_step(max(high - low, 1e-6), 28)
    first, last = int(low // step), int(high // step)
    counts = dict.fromkeys(range(first, last + 1), 0)
    for value in ordered:
        counts[min(max(int(value // step), first), last)] += 1
    note = (
        f"Mean {percent(fmean(ordered), 2, True)}, median {percent(median(ordered), 2, True)} of the value entered. "
        "The outer bars hold everything beyond."
    )
    return _section("Trade returns", _bars(counts, step) + f'<p class="note">{note}</p>')


def _bars(counts: dict[int, int], step: float) -> str:
    width, height, bottom = 520, 220, 24
    each, most = (width - 8) / len(counts), max(counts.values())
    parts = []
    for number_, (bin_, many) in enumerate(counts.items()):
        tall = (height - bottom - 8) * many / most
        x, y = 4 + number_ * each, height - bottom - tall
        said = f"{percent(bin_ * step)} to {percent((bin_ + 1) * step)}: {count(many, 'trade')}"
        parts.append(f'<rect class="{"up" if bin_ >= 0 else "down"}" x="{x:.1f}" y="{y:.1f}" width="{each * 0.86:.1f}" '
                     f'height="{tall:.1f}"><title>{said}</title></rect>')  # fmt: skip
        if bin_ % max(1, len(counts) // 6) == 0 and 14 < x < width - 14:
            parts.append(f'<text x="{x:.1f}" y="{height - 6}" text-anchor="middle">{_edge(bin_ * step, step)}</text>')
    base = f'<path class="base" d="M0 {height - bottom}H{width}"/>'
    inner = "".join(parts) + base
    return f'<svg class="bars" viewBox="0 0 {width} {height}" role="img" aria-label="Trade returns">{inner}</svg>'


def _edge(value: float, step: float) -> str:
    return percent(value, 0 if step >= 0.01 else 1 if step >= 0.001 else 2)


def costs(data: Row, amounts: Amounts) -> str:
    """Where the money went, as bars that add up."""
    it = data["profit"]
    parts = [
        ("Price moves, at the middle of the market", it["price"]), ("Slippage", -it["slippage"]), ("Fees", -it["fees"]),
        ("Funding", -it["funding"]), ("Open positions at the end", it["unrealised"]),
    ]  # fmt: skip
    most = max(*(abs(amount) for _, amount in parts), abs(it["change"])) or 1
    rows = [
        row([escape(name), _bar(float(amount / most)), toned(amounts.cell(amount), amount)], css=css)
        for name, amount, css in [*((name, amount, "") for name, amount in parts), ("Change", it["change"], "sum")]
    ]
    head = row(["", "", amounts.unit], "th")
    return _section("Where the money went", f'<table class="costs"><thead>{head}</thead>{"".join(rows)}</table>')


def _bar(share: float) -> str:
    left = 50.0 if share >= 0 else 50.0 + share * 50.0
    style = f"left:{left:.1f}%;width:{abs(share) * 50:.1f}%"
    return f'<td class="bar"><i class="{tone(share)}" style="{style}"></i></td>'


def figures(data: Row, amounts: Amounts) -> str:
    """Everything measured, in two columns."""
    it, trades, busy, fall = data["returns"], data["trades"], data["exposure"], data["drawdown"]
    left = [
        ("Omega", number(it["omega"])), ("VaR 95 %, one day", percent(it["value_at_risk"])),
        ("CVaR 95 %, one day", percent(it["expected_shortfall"])), ("Best day", percent(it["best_day"], 2, True)),
        ("Worst day", percent(it["worst_day"], 2, True)),
        ("Longest drawdown", count(fall["longest_days"], "day") if fall else "none"),
        ("Mean exposure", percent(busy["mean"])), ("Most exposure", percent(busy["most"])),
        ("Turnover per year, of equity", number(busy["turnover_yearly"], 1)),
    ]  # fmt: skip
    right = [
        ("Won / lost", f"{trades['won']:,} / {trades['lost']:,}"), ("Payoff", number(trades["payoff"])),
        ("Mean win", amounts.text(trades["mean_win"])), ("Mean loss", amounts.text(trades["mean_loss"])),
        ("Best trade", amounts.text(trades["best"])), ("Worst trade", amounts.text(trades["worst"])),
        ("Longest run of wins", str(trades["longest_winning"])),
        ("Longest run of losses", str(trades["longest_losing"])),
    ]  # fmt: skip
    if not amounts.hidden:
        right.append(("Traded value", amounts.text(data["profit"]["volume"], False)))
    return _section("All figures", f'<div class="pair">{_facts(left)}{_facts(right)}</div>', "wide")


def _facts(facts: Sequence[tuple[str, str]]) -> str:
    return f"<table>{''.join(row([escape(name), value]) for name, value in facts)}</table>"


def comparison(data: Row, amounts: Amounts) -> str:
    """By strategy, by instrument, and beside holding."""
    parts = []
    if len(data["per_strategy"]) > 1:
        parts.append(_per("Strategy", "name", data["per_strategy"], amounts))
    if data["per_symbol"]:
        parts.append(_per("Instrument", "instrument", data["per_symbol"], amounts))
    if data["buy_and_hold"]:
        own = {"instrument": "This run", **data["returns"]}
        rows = [
            row([escape(it["instrument"]) or "Buy and hold, equal parts",
                 toned(percent(it["total_return"], 2, True), it["total_return"]), percent(it["annual_return"], 2, True),
                 number(it["sharpe"]), percent(it["max_drawdown"])])
            for it in [own, *data["buy_and_hold"]]
        ]  # fmt: skip
        head = row(["Held", "Return", "Annual", "Sharpe", "Max drawdown"], "th")
        parts.append(f"<table><thead>{head}</thead>{''.join(rows)}</table>")
    return _section("Comparison", "".join(parts), "compared") if parts else ""


def _per(title: str, key: str, rows: Sequence[Row], amounts: Amounts) -> str:
    head = row([title, f"Net, {amounts.unit}", "Trades", "Win rate", "Profit factor", f"Fees, {amounts.unit}",
                f"Funding, {amounts.unit}", f"Slippage, {amounts.unit}"], "th")  # fmt: skip
    body = [
        row([escape(it[key]), toned(amounts.cell(it["profit"]["net"]), it["profit"]["net"]),
             f"{it['trades']['trades']:,}", percent(it["trades"]["win_rate"], 1),
             number(it["trades"]["profit_factor"]), amounts.cell(it["profit"]["fees"], False),
             amounts.cell(it["profit"]["funding"], False), amounts.cell(it["profit"]["slippage"], False)])
        for it in rows
    ]  # fmt: skip
    return f"<table><thead>{head}</thead>{''.join(body)}</table>"


def settings(data: Row, amounts: Amounts) -> str:
    """Parameters, capital, and what makes the run repeatable."""
    rows = []
    for it in data["strategies"]:
        said = ", ".join(f"{name} = {value}" for name, value in it["params"].items()) or "as declared"
        about = f"{it['class']}, {percent(float(it['capital']), 0)} of equity"
        rows.append((f"Strategy {it['name']}", f"{about}: {said}"))
    if not amounts.hidden:
        rows.append(("Starting cash", amounts.text(data["cash"], False)))
    rows += [
        ("Leverage", f"{data['leverage']}"), ("Span", f"{moment(data['since'])} to {moment(data['until'])} UTC"),
        ("Data fingerprint", data["data_fingerprint"]), ("Code fingerprint", data["code"] or "not noted"),
    ]  # fmt: skip
    if "engine" in data:
        rows.append(("Engine", data["engine"]))
    body = "".join(row([escape(name), f"<code>{escape(text)}</code>"]) for name, text in rows)
    return _section("Parameters and fingerprints", f'<table class="words">{body}</table>', "wide")


def assumed(data: Row) -> str:
    """Models, known biases, gaps, and what was refused: in words."""
    models = "".join(row([escape(name.capitalize()), escape(text)]) for name, text in data["models"].items())
    notes = [f"<b>Known bias.</b> {escape(it['text'][:1].upper() + it['text'][1:])}." for it in data["warnings"]]
    notes += [f"<b>Gap.</b> {count(n, 'candle')} missing in {escape(name)}." for name, n in data["missing"].items()]
    notes += [f"<b>Stopped.</b> {escape(name)}: {escape(why)}" for name, why in data["stopped"].items()]
    notes += [f"<b>Refused.</b> {escape(name)} refused {count(n, 'decision')}." for name, n in data["refused"].items()]
    if not data["missing"]:
        notes.append("<b>Gaps.</b> The data has none inside the span.")
    listed = f"<ul>{''.join(f'<li>{note}</li>' for note in notes)}</ul>"
    about = "How each gap between this simulation and the market was bridged:"
    return _section("What was assumed", f'{listed}<p>{about}</p><table class="words">{models}</table>', "wide")


def _section(title: str, inner: str, css: str = "") -> str:
    return f'<section class="card {css}"><h3>{escape(title)}</h3>{inner}</section>'
