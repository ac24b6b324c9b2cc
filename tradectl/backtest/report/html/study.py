"""How the parameters of a run were found: its study's honest figures, importance, stability map, best trials, walk."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from tradectl.backtest.report.html.words import NOTHING, count, number, percent, row, toned

Row = Mapping[str, Any]


def section(study: Row) -> str:
    """Cards about the study (the document ``optimise.whole.document`` makes); each part only where it is there."""
    parts = [_search(study)]
    if study.get("importance"):
        parts.append(_importance(study["importance"]))
    cells = (study.get("stability") or {}).get("cells")
    if cells and len(cells) > 1:
        parts.append(_map(study["stability"], study["goals"][0]["name"]))
    if study.get("ranked"):
        parts.append(_trials(study))
    if study.get("walk_forward"):
        parts.append(_walk(study["walk_forward"]))
    if study.get("monte_carlo"):
        parts.append(_drawn(study["monte_carlo"]))
    return "".join(parts)


def _card(title: str, inner: str) -> str:
    return f'<section class="card wide"><h3>{escape(title)}</h3>{inner}</section>'


def _search(study: Row) -> str:
    sharpe, fitted = study["deflated"], study["overfitting"]
    facts = [
        ("Trials", f"{study['complete']:,} complete, {study['pruned']:,} pruned, {study['distinct']:,} different ones"),
        ("Searched by", f"{study['sampler']} for {_goals(study)}"),
        ("Deflated Sharpe ratio", f"{percent(sharpe['probability'], 1)} likely that the true ratio beats what the best "
         f"of so many trials has without any skill"),
        ("Probability of overfitting", f"{percent(fitted['probability'], 1)}: how often the best in one half of the "
         "time was below the median in the other"),
    ]  # fmt: skip
    notes = "".join(f"<li>{escape(it['text'])}</li>" for it in study.get("warnings", ()))
    body = "".join(row([escape(name), escape(text)]) for name, text in facts)
    about = "<p>The parameters were chosen on this very span: the figures above are those of the best trial.</p>"
    listed = f"<ul>{notes}</ul>" if notes else ""
    return _card("How the parameters were found", f'{about}{listed}<table class="words">{body}</table>')


def _goals(study: Row) -> str:
    return ", ".join(f"{'high' if it['high'] else 'low'} {it['name'].replace('_', ' ')}" for it in study["goals"])


def _importance(shares: Mapping[str, float | None]) -> str:
    known = sorted(((share or 0.0, name) for name, share in shares.items()), reverse=True)
    rows = [
        row([escape(name), f'<td class="share"><i style="width:{share * 100:.1f}%"></i></td>', percent(share, 0)])
        for share, name in known
    ]
    return _card("What mattered", f'<table class="shares">{"".join(rows)}</table>')


def _map(found: Row, goal: str) -> str:
    rows = found["cells"]
    values = [cell["mean"] for line in rows for cell in line if cell["mean"] is not None]
    if not values:
        return ""
    low, high = min(values), max(values)
    head = row([escape(found["y"]), *(_axis(cell["x"]) for cell in rows[0])], "th")
    body = "".join(
        row([f"<th>{_axis(line[0]['y'])}</th>", *(_cell(cell, low, high) for cell in line)]) for line in reversed(rows)
    )
    about = f"Mean {escape(goal.replace('_', ' '))} of the trials near each pair; across {escape(found['x'])}."
    return _card("Stability map", f'<table class="months map">{head}{body}</table><p class="note">{about}</p>')


def _axis(value: Any) -> str:
    return escape(f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value))


def _cell(cell: Row, low: float, high: float) -> str:
    if cell["mean"] is None:
        return "<td></td>"
    depth = round(6 + 64 * (cell["mean"] - low) / (high - low)) if high > low else 30
    style = f"background:color-mix(in srgb,var(--own) {depth}%,transparent)"
    return f'<td style="{style}" title="{count(cell["trials"], "trial")}">{number(cell["mean"])}</td>'


def _trials(study: Row) -> str:
    best: Sequence[Row] = study["ranked"]
    names, goals = list(best[0]["params"]), [it["name"].replace("_", " ") for it in study["goals"]]
    head = row(["Trial", *map(escape, names), *map(escape, goals)], "th")
    body = "".join(
        row([f"{it['number']}", *(escape(str(it["params"].get(name, NOTHING))) for name in names),
             *(number(value, 3) for value in it["values"])])
        for it in best
    )  # fmt: skip
    return _card("Best trials", f"<table><thead>{head}</thead>{body}</table>")


def _walk(walk: Row) -> str:
    head = row(["Tested from", "to", "Parameters", "Return inside", "Return outside"], "th")
    body = "".join(_step(it) for it in walk["steps"])
    said = (
        f"Out of sample, {escape(str(walk['kind']))}: return {percent(walk['total_return'], 2, True)}, Sharpe "
        f"{number(walk['sharpe'])}, deepest drawdown {percent(walk['max_drawdown'])}; {walk['kept']} of "
        f"{count(len(walk['steps']), 'window')} with a profit."
    )
    return _card("Walk-forward", f"<p>{said}</p><table><thead>{head}</thead>{body}</table>")


def _step(step: Row) -> str:
    inside, outside = step["inside"].get("total_return"), step["outside"].get("total_return")
    params = ", ".join(f"{name} = {value}" for name, value in step["params"].items())
    return row([
        step["window"]["test_since"][:10], step["window"]["test_until"][:10], escape(params),
        percent(inside, 2, True), toned(percent(outside, 2, True), outside),
    ])  # fmt: skip


def _drawn(runs: Sequence[Row]) -> str:
    head = row(["Drawn anew", "Runs", "Median end", "5 % end below", "Deepest 5 % fall", "Loss", "Ruin"], "th")
    body = "".join(
        row([escape(it["method"].replace("_", " ")), f"{it['runs']:,}", _end(it["final_equity"], 0.5),
             _end(it["final_equity"], 0.05), percent(_quantile(it["max_drawdown"], 0.05)), percent(it["loss"], 1),
             percent(it["ruin"], 1)])
        for it in runs
    )  # fmt: skip
    return _card("Monte Carlo", f"<table><thead>{head}</thead>{body}</table>")


def _quantile(distribution: Row, at: float) -> float | None:
    return next((value for share, value in distribution["quantiles"] if abs(share - at) < 1e-9), None)


def _end(distribution: Row, at: float) -> str:
    value = _quantile(distribution, at)
    return percent(None if value is None else value - 1.0, 1, True)
